//! What is shown on standard error while the tour runs: a bar on a terminal, else a line for each phase.

use std::io::IsTerminal;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};

/// One phase.
pub struct Progress {
    bar: ProgressBar,
}

impl Progress {
    /// Starts a phase of `total` steps, or of unknown length.
    pub fn start(what: &str, total: Option<u64>) -> Progress {
        if !std::io::stderr().is_terminal() {
            eprintln!("{what}");
            return Progress { bar: ProgressBar::hidden() };
        }
        let (bar, template) = match total {
            Some(total) => (ProgressBar::new(total), "{elapsed:>4} {bar:40} {percent:>3}%  {msg}"),
            None => (ProgressBar::new_spinner(), "{elapsed:>4} {spinner} {msg}"),
        };
        let style = ProgressStyle::with_template(template).expect("invariant: the template is well formed");
        bar.set_style(style);
        bar.set_message(what.to_owned());
        bar.enable_steady_tick(Duration::from_millis(100));
        Progress { bar }
    }

    /// Shows how far it has come.
    pub fn at(&self, steps: u64) {
        self.bar.set_position(steps);
    }

    /// Ends the phase.
    pub fn done(self) {
        self.bar.finish_and_clear();
    }
}
