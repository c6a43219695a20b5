//! Tables of a calibration, as Markdown.

use super::Calibration;

/// Two tables: the coverage of ratios, and the rates of warnings.
pub fn tables(calibrations: &[Calibration]) -> String {
    let mut text = String::from(
        "| model | ratio covered | equal called different | any two of six aliases called different | mean rounds | ended by precision |\n\
         |---|---|---|---|---|---|\n",
    );
    for it in calibrations {
        let cells = [
            it.model.to_string(),
            it.ratio.coverage.to_string(),
            it.false_positives.to_string(),
            it.family_errors.to_string(),
            format!("{:.1}", it.mean_rounds),
            it.ended_by_precision.to_string(),
        ];
        text.push_str(&row(&cells));
    }
    text.push_str(
        "\n| model | ratio covered | warning about the ratio | of campaigns that miss | absolute time covered | warning about absolute times | of campaigns that miss |\n\
         |---|---|---|---|---|---|---|\n",
    );
    for it in calibrations {
        let cells = [
            it.model.to_string(),
            it.ratio.coverage.to_string(),
            it.ratio.warnings.to_string(),
            it.ratio.warnings_of_misses.to_string(),
            it.absolute.coverage.to_string(),
            it.absolute.warnings.to_string(),
            it.absolute.warnings_of_misses.to_string(),
        ];
        text.push_str(&row(&cells));
    }
    text
}

fn row(cells: &[String]) -> String {
    format!("| {} |\n", cells.join(" | "))
}
