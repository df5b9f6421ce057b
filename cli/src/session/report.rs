//! What a session says: a line for each thing that happens, or a JSON object.

use std::collections::BTreeMap;

use numstore::{LockInfo, Locks, Stats, TxnId};
use serde_json::{Value, json};

use super::task::{Answer, Asked};
use crate::failure::{Failure, Result};
use crate::output::{Output, thousands};
use crate::size::show_size;

/// A transaction, as the script and as the table of locks call it.
#[derive(Clone, Copy)]
pub struct Who<'a> {
    /// Its name in the script.
    pub name: &'a str,
    /// Its number.
    pub txn: TxnId,
}

/// Names of the open transactions, by number.
pub type Names = BTreeMap<TxnId, String>;

/// Where a session says what it has to say.
pub struct Report<'a> {
    output: &'a Output,
    /// Whether lines are repeated, for who does not see them being typed.
    echo: bool,
}

impl<'a> Report<'a> {
    /// Says it on `output`.
    pub fn new(output: &'a Output, echo: bool) -> Report<'a> {
        Report { output, echo }
    }

    /// A line of the script, before anything is done about it.
    pub fn line(&self, line: &str) -> Result {
        if self.echo && !self.output.is_json() {
            self.output.bytes(format!("> {line}\n").as_bytes())?;
        }
        Ok(())
    }

    /// A line that says nothing that could be done, where the session goes on all the same.
    pub fn bad_line(&self, failure: &Failure) -> Result {
        self.output.result(format!("error: {failure}"), &json!({ "error": error(failure) }))
    }

    /// A transaction begins.
    pub fn begins(&self, who: Who<'_>) -> Result {
        let Who { name, txn } = who;
        self.output.result(format!("{name} is transaction {txn}"), &json!({ "name": name, "begins": txn.0 }))
    }

    /// A call waits for locks of others.
    pub fn waits(&self, who: Who<'_>, asked: &Asked, others: &[TxnId], names: &Names) -> Result {
        let shown: Vec<String> = others.iter().map(|other| named(*other, names)).collect();
        let text = format!("{} waits for {}", who.name, shown.join(", "));
        let mut value = of_call(who, asked);
        value["waits_for"] = others.iter().map(|other| other.0).collect();
        self.output.result(text, &value)
    }

    /// A call has to wait for an earlier one of the same transaction.
    pub fn is_kept(&self, who: Who<'_>, asked: &Asked) -> Result {
        let mut value = of_call(who, asked);
        value["kept"] = json!(true);
        self.output.result(format!("{} still waits; this comes next", who.name), &value)
    }

    /// What a call has come to.
    pub fn answer(&self, who: Who<'_>, asked: &Asked, answer: Result<&Answer, &Failure>) -> Result {
        let mut value = of_call(who, asked);
        let mut text = String::from(who.name);
        text.push_str(if asked.told { " waited: " } else { " " });
        match answer {
            Ok(answer) => {
                let (shown, result) = show(answer);
                text.push_str(&shown);
                value["result"] = result;
            }
            Err(failure) => {
                let state = if asked.call.ends() { "has ended" } else { "is still open" };
                text.push_str(&format!("error: {failure} ({} {state})", who.name));
                value["error"] = error(failure);
            }
        }
        if asked.line.is_none() {
            text.push_str(", as the session ends");
        }
        self.output.result(text, &value)
    }

    /// The table of locks.
    pub fn locks(&self, locks: &Locks, names: &Names) -> Result {
        let rows: Vec<Value> = locks.locks.iter().map(|lock| row(lock, names)).collect();
        self.output.result(locks, &json!({ "locks": rows }))
    }

    /// Counters of transactions, the log, locks and snapshots.
    pub fn stats(&self, stats: &Stats) -> Result {
        let age_s = stats.oldest_snapshot_age.as_secs_f64();
        let oldest = if stats.snapshots_open > 0 {
            format!(", one outdated since {age_s:.1} s")
        } else {
            String::new()
        };
        let text = format!(
            "commits            {}\nrollbacks          {}\nlog since capture  {}\nlock waits         {}\n\
             deadlocks          {}\ntransactions open  {}\nsnapshots open     {}{oldest}\nheld back          {}\n",
            thousands(stats.commits),
            thousands(stats.rollbacks),
            show_size(stats.log_bytes_since_capture),
            thousands(stats.lock_waits),
            thousands(stats.deadlocks),
            thousands(stats.transactions_open),
            thousands(stats.snapshots_open),
            show_size(stats.held_back_bytes),
        );
        let value = json!({
            "commits": stats.commits,
            "rollbacks": stats.rollbacks,
            "log_bytes_since_capture": stats.log_bytes_since_capture,
            "lock_waits": stats.lock_waits,
            "deadlocks": stats.deadlocks,
            "transactions_open": stats.transactions_open,
            "snapshots_open": stats.snapshots_open,
            "oldest_snapshot_age": age_s,
            "held_back_bytes": stats.held_back_bytes,
        });
        self.output.result(text, &json!({ "stats": value }))
    }
}

/// What is said of every call.
fn of_call(who: Who<'_>, asked: &Asked) -> Value {
    json!({ "line": asked.line, "name": who.name, "txn": who.txn.0, "call": asked.text })
}

/// An error as in [`Output::report`].
fn error(failure: &Failure) -> Value {
    json!({ "code": failure.code(), "kind": failure.kind(), "message": failure.to_string() })
}

/// A transaction by its name in the script, if it has one.
fn named(txn: TxnId, names: &Names) -> String {
    names.get(&txn).cloned().unwrap_or_else(|| format!("transaction {txn}"))
}

/// A result for people and for programs.
fn show(answer: &Answer) -> (String, Value) {
    match answer {
        Answer::Done => ("done".into(), json!("done")),
        Answer::Bytes(bytes) => {
            let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
            (format!("\"{}\"", bytes.escape_ascii()), json!({ "bytes": bytes.len(), "hex": hex }))
        }
        Answer::Len(len) => (format!("{} bytes", thousands(*len)), json!({ "len": len })),
        Answer::Committed => ("committed".into(), json!("committed")),
        Answer::RolledBack => ("rolled back".into(), json!("rolled back")),
    }
}

/// A row of the table of locks.
fn row(lock: &LockInfo, names: &Names) -> Value {
    let waits_for =
        lock.waits_for.as_ref().map(|others| others.iter().map(|other| other.0).collect::<Vec<_>>());
    json!({
        "target": lock.target.to_string(),
        "mode": lock.mode.to_string(),
        "txn": lock.txn.0,
        "name": names.get(&lock.txn),
        "waits_for": waits_for,
    })
}
