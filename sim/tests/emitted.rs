//! A run that once failed, shrunk to what it takes.
//!
//! Nothing is wrong with this one: it shows how such tests look.

use sim::script::{FaultOrder, Rot, Script, Turns, step};
use sim::workload::Geometry;
use sim::world::{BadPart, ClockFault, Concern, Persist, WriteFault};

#[test]
#[expect(clippy::too_many_lines, reason = "as long as the run")]
fn every_kind_of_act() {
    Script::new(Geometry::default())
        .geometry("fanout", 5)
        .short_transfers(30)
        .open()
        .create("alpha")
        .append("alpha", b"bytes")
        .direct(step::insert("alpha", 2, &[b'a'; 1500]))
        .direct(step::write("alpha", 0, &step::pattern(0x89abcdef, 700)))
        .direct(step::remove("alpha", 3..9))
        .direct(step::cut("alpha", 0..5))
        .direct(step::truncate("alpha", 1000))
        .direct(step::rename("alpha", "beta"))
        .create("quote\" and\nline")
        .direct(step::drop_stream("quote\" and\nline"))
        .begin(1)
        .within(1, step::create("gamma"))
        .within(1, step::savepoint())
        .within(1, step::splice("gamma", 0, 0, &[0, 255, 34]))
        .within(1, step::rollback_to(0))
        .within(1, step::append("beta", &[255; 20]))
        .within(1, step::read("beta", 0..1020))
        .within(1, step::len("beta"))
        .within(1, step::exists("beta"))
        .within(1, step::list())
        .within(1, step::write_strided("beta", step::elements(0, 2, 3, 2), b"abcd"))
        .within(1, step::read_strided("beta", step::elements(0, 2, 3, 2)))
        .within(1, step::remove_strided("beta", step::elements(0, 2, 3, 2)))
        .commit_deferred(1)
        .read_durable(step::list())
        .snapshot(1)
        .look(1, step::exists("gamma"))
        .release(1)
        .begin(2)
        .within(2, step::drop_stream("gamma"))
        .rollback(2)
        .begin(3)
        .abandon(3)
        .checkpoint()
        .sync()
        .verify()
        .stats()
        .crash_behind_superblock(1)
        .fail_sync_after(7)
        .fail_writes_after(3, WriteFault::Error)
        .fail_writes_after(90, WriteFault::Full)
        .order(FaultOrder::AtomicUnit { bytes: 4096 })
        .order(FaultOrder::SlowIo { per_mille: 1 })
        .order(FaultOrder::DisturbClock { fault: ClockFault::Backwards, seconds: 60 })
        .order(FaultOrder::GoBad { part: BadPart::LogReads, first: 90, blocks: 1 })
        .order(FaultOrder::Misdirect { after: 90, to: 3 })
        .order(FaultOrder::MisdirectLog { after: 90, to: 3 })
        .order(FaultOrder::StayFull { after: 90, refusals: 2 })
        .order(FaultOrder::Lie { after: 90 })
        .order(FaultOrder::FailName { after: 90 })
        .disarm()
        .kill()
        .rot(Rot::Log { back: 0, at: 90, bit: 3 })
        .mend()
        .open()
        .crash_after(2)
        .checkpoint()
        .power_loss(Persist::Swarm)
        .choosing(Concern::Disk, &[40, 6, 0, 1])
        .open()
        .churn()
        .plan(1, "direct append \"alpha\" \"x\"")
        .clients(Turns::Priorities { changes: 3, steps: 100 }, 0)
        .quiesce()
        .power_loss(Persist::Prefix(50))
        .open()
        .begin(4)
        .commit(4)
        .close()
        .rot(Rot::Slot { at: 17, bit: 3 })
        .open()
        .close()
        .rot(Rot::Node { at: 9000, bit: 1 })
        .open()
        .huge_steps(
            14,
            &[
                "begin",
                "splice 0 4096 10 7 100",
                "truncate 1 1000000000",
                "commit 0",
                "commit-deferred 1",
                "crash 30",
                "checkpoint",
                "power-loss | disk 1 0 3",
                "open 5",
                "close 7",
            ],
        )
        .check();
}
