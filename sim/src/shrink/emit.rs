//! A run as a Rust test that stands alone: explicit operations, nothing random, and names that outlive refactoring.

use crate::model::{Bytes, Edit, Elements, Step};
use crate::runner::huge_steps;
use crate::script::{Act, Death, Entry, FaultOrder, Log};
use crate::workload::{Geometry, Operation};
use crate::world::{Concern, Draw, Without};

/// Calls of which a function is long.
const LONG: usize = 67;

/// The file of a test that runs `log`; `title` is the test's name, `why` what it failed with.
pub fn emit_test(log: &Log, title: &str, why: &str) -> String {
    let entries = log.entries.iter().flat_map(|entry| entry_calls(entry, log.without));
    let calls: Vec<String> = head_calls(log).into_iter().chain(entries).collect();
    let lines: usize = calls.iter().map(|call| call.lines().count()).sum();
    let body: String = calls.iter().map(|call| format!("\n        .{call}")).collect();
    let uses = uses(&body);
    let why: Vec<&str> = why.split_whitespace().collect();
    let why = wrap(&why.join(" "));
    let long = if lines > LONG {
        "#[expect(clippy::too_many_lines, reason = \"as long as the run\")]\n"
    } else {
        ""
    };
    format!(
        "//! A run that once failed, shrunk to what it takes.\n//!\n{why}\n{uses}\n#[test]\n{long}fn {title}() {{\n    \
             Script::new(Geometry::default()){body}\n        .check();\n}}\n"
    )
}

/// Comment lines of at most a hundred letters.
fn wrap(text: &str) -> String {
    let mut lines = String::new();
    let mut line = String::from("//!");
    for word in text.split(' ') {
        if line.len() + word.len() > 110 {
            lines += &format!("{line}\n");
            line = String::from("//!");
        }
        line += &format!(" {word}");
    }
    lines + &line + "\n"
}

fn uses(body: &str) -> String {
    let has = |word: &str| body.contains(word);
    let list = |path: &str, words: &[&str], always: &[&str]| {
        let mut used: Vec<&str> = words.iter().filter(|word| has(&format!("{word}::"))).copied().collect();
        used.extend(always);
        used.sort_by_key(|word| (word.starts_with(char::is_lowercase), *word));
        match used.len() {
            0 => String::new(),
            1 => format!("use sim::{path}::{};\n", used[0]),
            _ => format!("use sim::{path}::{{{}}};\n", used.join(", ")),
        }
    };
    list("script", &["FaultOrder", "Rot", "Turns", "step"], &["Script"])
        + &list("workload", &[], &["Geometry"])
        + &list("world", &["BadPart", "ClockFault", "Concern", "Persist", "WriteFault"], &[])
}

fn head_calls(log: &Log) -> Vec<String> {
    let standard = Geometry::default().numbers();
    let numbers = log.geometry.numbers().into_iter().zip(standard).zip(Geometry::NAMES);
    let changed = numbers.filter(|((number, standard), _)| number != standard);
    let mut calls: Vec<String> =
        changed.map(|((number, _), name)| format!("geometry({name:?}, {number})")).collect();
    if log.short_transfers > 0 {
        calls.push(format!("short_transfers({})", log.short_transfers));
    }
    calls.extend(log.without.kinds().map(|kind| format!("without({:?})", kind.name())));
    calls
}

fn entry_calls(entry: &Entry, without: Without) -> Vec<String> {
    let choices = entry.choices.iter().filter(|(_, draws)| !draws.is_empty());
    let choosing = choices.map(|(concern, draws)| choosing(*concern, draws));
    std::iter::once(act_call(&entry.act, without)).chain(choosing).collect()
}

fn choosing(concern: Concern, draws: &[Draw]) -> String {
    let values: Vec<String> = draws.iter().map(|draw| draw.value.to_string()).collect();
    format!("choosing(Concern::{concern:?}, &[{}])", values.join(", "))
}

fn act_call(act: &Act, without: Without) -> String {
    match act {
        Act::Open => "open()".to_owned(),
        Act::Do(operation) => operation_call(operation),
        Act::Arm(FaultOrder::Crash { after }) => format!("crash_after({after})"),
        Act::Arm(FaultOrder::CrashBehindSuperblock { after }) => format!("crash_behind_superblock({after})"),
        Act::Arm(FaultOrder::FailSync { after }) => format!("fail_sync_after({after})"),
        Act::Arm(FaultOrder::FailWrites { after, fault }) => {
            format!("fail_writes_after({after}, WriteFault::{fault:?})")
        }
        Act::Arm(order) => format!("order(FaultOrder::{})", order_value(order)),
        Act::Disarm => "disarm()".to_owned(),
        Act::Die(Death::Kill) => "kill()".to_owned(),
        Act::Die(Death::PowerLoss(persist)) => format!("power_loss(Persist::{persist:?})"),
        Act::Rot(rot) => format!("rot(Rot::{rot:?})"),
        Act::Mend => "mend()".to_owned(),
        Act::Churn => "churn()".to_owned(),
        Act::Plan { client, .. } => {
            let text = act.to_string();
            let operation = text.splitn(3, ' ').nth(2).unwrap_or_default();
            format!("plan({client}, {operation:?})")
        }
        Act::Clients { turns, end_after } => format!("clients(Turns::{turns:?}, {end_after})"),
        Act::Patience { millis } => format!("patience({millis})"),
        Act::Quiesce => "quiesce()".to_owned(),
        // What is drawn there is told.
        Act::Huge { seed, leaves_log2, operations } => {
            huge_call(*leaves_log2, &huge_steps(*seed, *leaves_log2, *operations, without))
        }
        Act::HugeSteps { leaves_log2, steps } => {
            let steps: Vec<String> = steps.split("; ").map(str::to_owned).collect();
            huge_call(*leaves_log2, &steps)
        }
    }
}

fn huge_call(leaves_log2: u64, steps: &[String]) -> String {
    let lines: String = steps.iter().map(|step| format!("\n                {step:?},")).collect();
    format!("huge_steps(\n            {leaves_log2},\n            &[{lines}\n            ],\n        )")
}

/// An order as an expression; what it holds has a path of its own.
fn order_value(order: &FaultOrder) -> String {
    match order {
        FaultOrder::DisturbClock { fault, seconds } => {
            format!("DisturbClock {{ fault: ClockFault::{fault:?}, seconds: {seconds} }}")
        }
        FaultOrder::GoBad { part, first, blocks } => {
            format!("GoBad {{ part: BadPart::{part:?}, first: {first}, blocks: {blocks} }}")
        }
        other => format!("{other:?}"),
    }
}

fn operation_call(operation: &Operation) -> String {
    match operation {
        Operation::Begin(txn) => format!("begin({txn})"),
        Operation::In(txn, step) => format!("within({txn}, step::{})", step_call(step)),
        Operation::Commit { txn, sync: true } => format!("commit({txn})"),
        Operation::Commit { txn, sync: false } => format!("commit_deferred({txn})"),
        Operation::Rollback(txn) => format!("rollback({txn})"),
        Operation::Abandon(txn) => format!("abandon({txn})"),
        Operation::Direct(step @ (Step::Create { .. } | Step::Edit { edit: Edit::Append { .. }, .. })) => {
            step_call(step)
        }
        Operation::Direct(step) => format!("direct(step::{})", step_call(step)),
        Operation::ReadDurable(step) => format!("read_durable(step::{})", step_call(step)),
        Operation::Snapshot(id) => format!("snapshot({id})"),
        Operation::ReadSnapshot(id, step) => format!("look({id}, step::{})", step_call(step)),
        Operation::Release(id) => format!("release({id})"),
        Operation::Checkpoint => "checkpoint()".to_owned(),
        Operation::Compact => "compact()".to_owned(),
        Operation::Sync => "sync()".to_owned(),
        Operation::Verify => "verify()".to_owned(),
        Operation::Stats => "stats()".to_owned(),
        Operation::Close => "close()".to_owned(),
    }
}

fn step_call(step: &Step) -> String {
    match step {
        Step::Create { name } => format!("create({name:?})"),
        Step::Drop { name } => format!("drop_stream({name:?})"),
        Step::Rename { from, to } => format!("rename({from:?}, {to:?})"),
        Step::Exists { name } => format!("exists({name:?})"),
        Step::List => "list()".to_owned(),
        Step::Savepoint => "savepoint()".to_owned(),
        Step::RollbackTo { index } => format!("rollback_to({index})"),
        Step::Edit { name, edit } => edit_call(name, edit),
    }
}

fn edit_call(name: &str, edit: &Edit) -> String {
    let elements =
        |e: &Elements| format!("step::elements({}, {}, {}, {})", e.start, e.size, e.stride, e.count);
    match edit {
        Edit::Len => format!("len({name:?})"),
        Edit::Read { from, to } => format!("read({name:?}, {from}..{to})"),
        Edit::ReadForUpdate { from, to } => format!("read_for_update({name:?}, {from}..{to})"),
        Edit::Insert { at, data } => format!("insert({name:?}, {at}, {})", literal(data)),
        Edit::Append { data } => format!("append({name:?}, {})", literal(data)),
        Edit::Write { at, data } => format!("write({name:?}, {at}, {})", literal(data)),
        Edit::Remove { from, to } => format!("remove({name:?}, {from}..{to})"),
        Edit::Cut { from, to } => format!("cut({name:?}, {from}..{to})"),
        Edit::Truncate { len } => format!("truncate({name:?}, {len})"),
        Edit::Splice { at, delete, data } => format!("splice({name:?}, {at}, {delete}, {})", literal(data)),
        Edit::ReadStrided(e) => format!("read_strided({name:?}, {})", elements(e)),
        Edit::WriteStrided(e, data) => format!("write_strided({name:?}, {}, {})", elements(e), literal(data)),
        Edit::RemoveStrided(e) => format!("remove_strided({name:?}, {})", elements(e)),
    }
}

fn literal(data: &Bytes) -> String {
    let bytes = &data.0;
    let plain = |byte: &u8| (b' '..=b'~').contains(byte) && !b"\"\\".contains(byte);
    if let (Some(byte), true) = (data.fill(), bytes.len() > 16) {
        return match byte {
            byte if plain(&byte) && byte != b'\'' => format!("&[b'{}'; {}]", char::from(byte), bytes.len()),
            byte => format!("&[{byte}; {}]", bytes.len()),
        };
    }
    if let Some(word) = data.pattern() {
        return format!("&step::pattern({word:#x}, {})", bytes.len());
    }
    if bytes.iter().all(plain) {
        return format!("b\"{}\"", String::from_utf8_lossy(bytes));
    }
    format!("&{bytes:?}")
}
