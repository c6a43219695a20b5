//! The figures of a calibration, as Markdown.

use super::Calibration;

/// Two tables: how right the ratios were, and what the alarms were worth.
pub fn tables(calibrations: &[Calibration]) -> String {
    let mut text = String::from(
        "| model | ratio covered | equal called different | any of six aliases told apart | mean rounds | ended by precision |\n\
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
        "\n| model | ratio covered | alarm about the ratio | of misses | absolute time covered | alarm about absolute times | of misses |\n\
         |---|---|---|---|---|---|---|\n",
    );
    for it in calibrations {
        let cells = [
            it.model.to_string(),
            it.ratio.coverage.to_string(),
            it.ratio.alarms.to_string(),
            it.ratio.alarms_of_misses.to_string(),
            it.absolute.coverage.to_string(),
            it.absolute.alarms.to_string(),
            it.absolute.alarms_of_misses.to_string(),
        ];
        text.push_str(&row(&cells));
    }
    text
}

fn row(cells: &[String]) -> String {
    format!("| {} |\n", cells.join(" | "))
}
