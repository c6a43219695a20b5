//! Options of the progress and the table.

use clap::{ArgAction, Args};

use crate::cli::given::{Given, Switch};

/// The options of the progress and the table.
#[derive(Debug, Default, Args)]
pub struct DisplayOptions {
    /// Print no progress and no notes, only problems and the result
    #[arg(short, long, action = ArgAction::SetTrue, help_heading = "Output")]
    pub quiet: Switch,
    /// Print plain lines instead of a progress bar
    #[arg(long, action = ArgAction::SetTrue, help_heading = "Output")]
    pub no_progress: Switch,
    /// Colours: auto, always or never; auto respects NO_COLOR (default: auto)
    #[arg(long, value_name = "WHEN", help_heading = "Output")]
    pub color: Option<Given>,
}
