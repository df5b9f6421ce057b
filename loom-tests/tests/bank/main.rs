//! Bugs that can be planted in the engine itself, and that the models must find. With the feature `mutants` alone; one
//! test, since a bug is planted in the whole process.

use loom_tests::{Sound, cache, finding, flights, locks};
use numstore::hooks::{MUTANTS, mutant, select};

/// A planted bug, the preemptions that it takes, the model that finds it, and what loom says then.
type Bug = (usize, usize, fn(), &'static str);

#[test]
fn the_models_find_planted_bugs() {
    let landing: fn() = || flights::landing::<Sound>(2);
    let next = flights::landing_beside_the_next::<Sound>;
    let (readers, circle) =
        (locks::readers_go_on_together::<Sound>, locks::one_of_a_circle_gives_way::<Sound>);
    let bugs: [Bug; 7] = [
        (mutant("a landing wakes nobody to lead the next flight"), 1, next, "deadlock"),
        (mutant("a commit returns when its flight is under way"), 2, landing, "Causality"),
        (mutant("a landing wakes one of those aboard"), 2, landing, "deadlock"),
        (
            mutant("a cached node answers for its block"),
            1,
            cache::a_block_is_used_again::<Sound>,
            "reference says",
        ),
        (mutant("a version is shown too early"), 2, flights::versions_go_forward::<Sound>, "is durable"),
        (mutant("of several who were granted one is woken"), 2, readers, "deadlock"),
        (mutant("whoever has to give way is not woken"), 2, circle, "deadlock"),
    ];
    for (bug, preemptions, model, says) in bugs {
        eprintln!("{}", MUTANTS[bug].name);
        select(Some(bug));
        let found = finding(preemptions, model);
        select(None);
        assert!(found.contains(says), "another finding: {found}");
    }
}
