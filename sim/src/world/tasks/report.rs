//! What a stuck run says: for each task what it does, what it awaits, what it holds, and where.

use std::fmt::Write;

use super::holds;
use super::table::{Status, Table, Task};

/// Numbers words in the order in which they are named.
#[derive(Default)]
struct Words(Vec<usize>);

impl Words {
    fn number(&mut self, word: usize) -> usize {
        let known = self.0.iter().position(|w| *w == word);
        known.unwrap_or_else(|| {
            self.0.push(word);
            self.0.len() - 1
        }) + 1
    }
}

impl Table {
    /// `headline`, and a line for each task that has not ended.
    pub(super) fn report(&self, headline: &str) -> String {
        let holds = holds::all();
        let mut words = Words::default();
        let mut text = headline.to_owned();
        for &id in &self.live {
            let task = &self.tasks[id];
            let _ = write!(text, "\n  {} {}", task.name, self.doing(task, &mut words));
            for hold in holds.iter().filter(|hold| hold.task == id) {
                let word = words.number(hold.word);
                let _ = write!(text, "; holds word {word} ({}) since {}", hold.mode, hold.since);
            }
        }
        text
    }

    fn doing(&self, task: &Task, words: &mut Words) -> String {
        let mut text = match &task.status {
            Status::Ready => "can go on".to_owned(),
            Status::Waiting { word, .. } => format!("waits on word {}", words.number(*word)),
            Status::Sleeping { .. } => "sleeps".to_owned(),
            Status::Joining(whom) => format!("joins {}", self.tasks[*whom].name),
            Status::Reaping => "waits for all to end".to_owned(),
            Status::Done(_) => "has ended".to_owned(),
        };
        if let (Status::Waiting { word, .. }, Some((told, why))) = (&task.status, &task.awaits)
            && word == told
        {
            let _ = write!(text, " ({why})");
        }
        if let Some(spot) = &task.spot {
            if matches!(task.status, Status::Ready) {
                let _ = write!(text, ", before: {}", spot.what);
            }
            if let Some(place) = spot.place {
                let _ = write!(text, ", in {place}");
            }
        }
        text
    }
}
