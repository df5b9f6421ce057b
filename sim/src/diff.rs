//! Where two runs part: in what was decided, and in what happened.

use std::sync::{Arc, Mutex, PoisonError};

use sim::runner::{Conduct, Ended, Fidelity, Watch, conduct_log, conduct_seed};
use sim::script::{Entry, Log};
use sim::world::{Concern, Draw};

use crate::commands::{Subject, say};

/// A run, with everything that was told of it.
struct Told {
    log: Log,
    lines: Vec<String>,
}

impl Told {
    fn of(subject: &Subject) -> Result<Told, String> {
        let lines = Arc::new(Mutex::new(Vec::new()));
        let heard = Arc::clone(&lines);
        let tell =
            move |line: &str| heard.lock().unwrap_or_else(PoisonError::into_inner).push(line.to_owned());
        let watch = Some(Watch { ios: true, tell: Box::new(tell) });
        let conduct = Conduct { watch, records: true, ..Conduct::default() };
        let ended: Ended = match subject {
            Subject::Seed(seed) => conduct_seed(*seed, conduct),
            Subject::File(_) | Subject::Input(_) => {
                conduct_log(&subject.log(None)?, Fidelity::Lenient, conduct)
            }
        };
        let log = ended.log.expect("invariant: the run was recorded");
        let lines = std::mem::take(&mut *lines.lock().unwrap_or_else(PoisonError::into_inner));
        Ok(Told { log, lines })
    }

    /// The step to which a line belongs, counted from 1; acts are told without an indent, behind the head.
    fn step_of(&self, line: usize) -> usize {
        self.lines[..line.min(self.lines.len())].iter().skip(1).filter(|line| !line.starts_with(' ')).count()
    }
}

/// Tells where two runs part; whether they do not.
pub fn diff(a: &Subject, b: &Subject) -> Result<bool, String> {
    let (left, right) = (Told::of(a)?, Told::of(b)?);
    let same_head = left.log.head() == right.log.head();
    if !same_head {
        for (a, b) in left.log.head().lines().zip(right.log.head().lines()).filter(|(a, b)| a != b) {
            say(format!("- {a}\n+ {b}"));
        }
    }
    let decided = say_decisions(&left.log, &right.log);
    let happened = say_lines(&left, &right);
    say(match (decided, happened) {
        (None, None) => "the runs are the same in what was decided and in what happened".to_owned(),
        (Some(step), None) => {
            format!("the runs decide differently from step {step} on, and the same happens all the same")
        }
        (None, Some(step)) => {
            format!(
                "the runs decide the same, and what happens differs from step {step} on: the code is not the same"
            )
        }
        (Some(decided), Some(happened)) => format!(
            "the runs decide differently from step {decided} on, and what happens differs from step {happened} on"
        ),
    });
    Ok(same_head && decided.is_none() && happened.is_none())
}

/// Tells the first difference in acts and choices; its step.
fn say_decisions(left: &Log, right: &Log) -> Option<usize> {
    let equal = left.entries.iter().zip(&right.entries).take_while(|(a, b)| a == b).count();
    if equal == left.entries.len() && equal == right.entries.len() {
        say(format!("decisions: all {equal} acts and their choices are the same"));
        return None;
    }
    say(format!("decisions: the first {equal} acts are the same; at step {}:", equal + 1));
    for (at, entry) in left.entries[..equal].iter().enumerate().skip(equal.saturating_sub(3)) {
        say(format!("  {:5}  {}", at + 1, entry.act));
    }
    let (left, right) = (left.entries.get(equal), right.entries.get(equal));
    let whole = |entry: Option<&Entry>| entry.map_or("(the end)".to_owned(), |entry| entry.act.to_string());
    match (left, right) {
        (Some(a), Some(b)) if a.act == b.act => {
            say(format!("  {:5}  {}", equal + 1, a.act));
            say_first_choice(a, b);
        }
        _ => say(format!("- {:5}  {}\n+ {:5}  {}", equal + 1, whole(left), equal + 1, whole(right))),
    }
    Some(equal + 1)
}

/// Tells the first difference in what happened, I/O calls included; its step.
fn say_lines(left: &Told, right: &Told) -> Option<usize> {
    // What comes first is the head, which is told apart.
    let pairs = || left.lines.iter().zip(&right.lines).skip(1);
    let equal = 1 + pairs().take_while(|(a, b)| a == b).count();
    if equal >= left.lines.len() && equal >= right.lines.len() {
        say(format!("trace: all {} lines are the same", equal - 1));
        return None;
    }
    let step = left.step_of(equal + 1).max(right.step_of(equal + 1));
    say(format!("trace: the first {} lines are the same; in step {step}:", equal - 1));
    left.lines[..equal].iter().skip(1.max(equal.saturating_sub(3))).for_each(|line| say(format!("  {line}")));
    let told = |lines: &[String]| lines.get(equal).map_or("(the end)", |line| line.as_str()).to_owned();
    say(format!("- {}\n+ {}", told(&left.lines), told(&right.lines)));
    Some(step)
}

/// The first choice in which two runs of the same act differ.
fn say_first_choice(left: &Entry, right: &Entry) {
    for concern in Concern::RECORDED {
        let of = |entry: &Entry| entry.choices.get(&concern).cloned().unwrap_or_default();
        let (left, right) = (of(left), of(right));
        if left == right {
            continue;
        }
        let at = left.iter().zip(&right).take_while(|(a, b)| a == b).count();
        let told = |draw: Option<&Draw>| draw.map_or("none".to_owned(), Draw::to_string);
        let (left, right) = (told(left.get(at)), told(right.get(at)));
        say(format!("         choice {at} for {}: {left}, and {right}", concern.word()));
    }
}
