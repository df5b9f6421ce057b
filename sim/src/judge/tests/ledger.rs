//! Faults of the disk: which of them must be told, by whom, and how.

use std::path::PathBuf;

use numstore::ErrorCode;

use crate::judge::check_ledger;
use crate::world::{Call, Line, Reported, Strike, Struck};

fn struck(strike: Strike, call: Call) -> Line {
    let file = PathBuf::from("db/x.ns-log-1");
    Line::Struck(Struck { strike, call, file, offset: 8192, len: 4096, beside: false, names_at_stake: false })
}

/// The same, of a task that no call waits for.
fn struck_beside(strike: Strike, call: Call) -> Line {
    match struck(strike, call) {
        Line::Struck(struck) => Line::Struck(Struck { beside: true, ..struck }),
        other => other,
    }
}

fn reported(file: &str, offset: u64) -> Line {
    let place = Some((PathBuf::from(file), offset));
    Line::Reported(Reported { code: ErrorCode::Io, place, text: format!("it failed on {file}") })
}

fn in_doubt(text: &str) -> Line {
    Line::Reported(Reported { code: ErrorCode::InDoubt, place: None, text: text.to_owned() })
}

fn assert_silent(ledger: &[Line], good: bool) {
    match check_ledger(ledger) {
        Ok(()) => assert!(good, "{ledger:?}"),
        Err(finding) => assert!(!good && finding.judge == "silent error", "{finding}"),
    }
}

#[test]
fn a_fault_is_harmless_or_reported_by_the_call_that_it_struck() {
    let tells = reported("db/x.ns-log-1", 4096);
    assert_silent(&[], true);
    for harmless in [struck(Strike::Short, Call::Read), struck(Strike::Full, Call::Write)] {
        assert_silent(&[harmless, Line::Returned], true);
    }
    for call in [Call::Sync, Call::Write, Call::Create, Call::Rename, Call::Lock, Call::Allocate] {
        let fault = struck(Strike::Failed, call);
        assert_silent(&[fault.clone(), tells.clone(), Line::Returned], true);
        assert_silent(&[fault.clone(), in_doubt("sync failed on db/x.ns-log-1"), Line::Returned], true);
        // Nobody said it, or not before another call had returned.
        assert_silent(&[fault.clone(), Line::Returned], false);
        assert_silent(&[fault.clone(), Line::Returned, tells.clone()], false);
        assert_silent(&[fault, in_doubt("something failed"), Line::Returned], false);
    }
}

#[test]
fn what_leaves_the_files_as_good_as_they_were_need_not_be_told() {
    let asks = [Call::Open, Call::List, Call::Len, Call::Read];
    let tidies = [Call::Remove, Call::SetLen, Call::Punch];
    for call in asks.into_iter().chain(tidies) {
        let fault = struck(Strike::Failed, call);
        assert_silent(&[fault.clone(), Line::Returned], true);
        // Who tells of it must tell the truth all the same.
        assert_silent(&[fault.clone(), reported("db/x.ns-log-1", 8192)], true);
        assert_silent(&[fault, reported("db/x.ns", 8192)], false);
    }
}

#[test]
fn space_that_is_set_aside_for_later_can_be_done_without() {
    let mut fault = struck(Strike::Failed, Call::Allocate);
    assert_silent(&[fault.clone(), Line::Returned], false);
    if let Line::Struck(struck) = &mut fault {
        struck.file = PathBuf::from("db/x.ns");
    }
    assert_silent(&[fault, Line::Returned], true);
}

#[test]
fn a_directory_that_could_not_be_synced_is_told_if_a_name_may_go_with_it() {
    let fault = |names_at_stake| match struck(Strike::Failed, Call::SyncDir) {
        Line::Struck(struck) => Line::Struck(Struck { file: PathBuf::from("db"), names_at_stake, ..struck }),
        other => other,
    };
    let removals = fault(false);
    assert_silent(&[removals, Line::Returned], true);
    let names = fault(true);
    assert_silent(&[names.clone(), reported("db", 0), Line::Returned], true);
    assert_silent(&[names.clone(), Line::Returned], false);
    assert_silent(&[names, reported("db/x.ns", 0), Line::Returned], false);
}

#[test]
fn a_fault_of_a_task_beside_all_calls_is_reported_before_the_database_is_closed() {
    let fault = struck_beside(Strike::Failed, Call::Sync);
    let tells = in_doubt("sync failed on db/x.ns-log-1");
    assert_silent(&[fault.clone(), Line::Returned], true);
    assert_silent(&[fault.clone(), Line::Returned, tells.clone(), Line::Closed], true);
    assert_silent(&[fault.clone(), Line::Returned, Line::Closed], false);
    assert_silent(&[fault, Line::Closed, tells], false);
}

#[test]
fn an_error_names_the_place_that_a_fault_struck() {
    let write = struck(Strike::Failed, Call::Write);
    assert_silent(&[write.clone(), reported("db/x.ns-log-1", 8192)], true);
    // Too far on, another file, no fault at all.
    assert_silent(&[write.clone(), reported("db/x.ns-log-1", 12288)], false);
    assert_silent(&[write, reported("db/x.ns", 8192)], false);
    assert_silent(&[reported("db/x.ns", 0)], false);
    // Where a sync failed no byte is at fault; a refusal is no matter of the disk.
    assert_silent(&[struck(Strike::Failed, Call::Sync), reported("db/x.ns-log-1", 12288)], true);
    let busy = Reported { code: ErrorCode::Busy, place: None, text: "busy".to_owned() };
    assert_silent(&[Line::Reported(busy)], true);
}
