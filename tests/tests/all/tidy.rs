//! Checks of the source tree itself.
//!
//! Why: the order of the layers, the size of files and the bans below are promises to the reader that no compiler
//! keeps. How: every tracked kind of file is read as text; a finding names file, line and rule.
//!
//! Not here: the length of functions and the disallowed methods and types, which clippy checks (`clippy.toml`).

use std::fs;
use std::path::{Path, PathBuf};

use tests::workspace_root;

/// The layers of `engine/src`, lowest first. A layer imports only from those before it.
const LAYERS: [&str; 14] = [
    "base", "env", "sync", "format", "log", "cache", "map", "space", "tree", "catalog", "lock", "txn",
    "recovery", "api",
];

/// Lines that no source file may pass.
const LINES_MAX: usize = 800;

/// What may stand at the top of the repository. Names that begin with a dot are free.
const TOP_LEVEL: [&str; 20] = [
    "ARCHITECTURE.md",
    "CHANGELOG.md",
    "CONTRIBUTING.md",
    "Cargo.lock",
    "Cargo.toml",
    "LICENSE",
    "README.md",
    "bench",
    "bindings",
    "ci",
    "cli",
    "clippy.toml",
    "docs",
    "engine",
    "fuzz",
    "loom-tests",
    "rustfmt.toml",
    "sim",
    "target",
    "tests",
];

/// A word that must not be used, where it may be all the same, and why.
struct Ban {
    word: &'static str,
    /// Path prefixes, relative to the root, to which the ban applies.
    inside: &'static [&'static str],
    /// Path prefixes to which it does not.
    except: &'static [&'static str],
    reason: &'static str,
}

const EVERYWHERE: &[&str] = &[""];
const ENGINE: &[&str] = &["engine/src/"];

const BANS: [Ban; 14] = [
    Ban {
        word: "Ordering::SeqCst",
        inside: EVERYWHERE,
        except: &[],
        reason: "loom weakens it; acquire, release and fences say what is meant",
    },
    Ban {
        word: "SeqCst",
        inside: ENGINE,
        except: &[],
        reason: "acquire, release and fences say what is meant",
    },
    Ban { word: "TODO", inside: EVERYWHERE, except: &[], reason: "unfinished work is not merged" },
    Ban { word: "FIXME", inside: EVERYWHERE, except: &[], reason: "unfinished work is not merged" },
    Ban { word: "XXX", inside: EVERYWHERE, except: &[], reason: "unfinished work is not merged" },
    Ban { word: "unimplemented!", inside: EVERYWHERE, except: &[], reason: "unfinished work is not merged" },
    Ban { word: "#[ignore", inside: EVERYWHERE, except: &[], reason: "a test runs or does not exist" },
    Ban {
        word: "thread_local!",
        inside: EVERYWHERE,
        except: &["sim/", "engine/src/base/hooks/"],
        reason: "state belongs to a database",
    },
    Ban {
        word: "sync::Mutex",
        inside: ENGINE,
        except: &["engine/src/sync/", "engine/src/env/real"],
        reason: "latches live in sync",
    },
    Ban {
        word: "sync::RwLock",
        inside: ENGINE,
        except: &["engine/src/sync/", "engine/src/env/real"],
        reason: "latches live in sync",
    },
    Ban {
        word: "Condvar",
        inside: ENGINE,
        except: &["engine/src/sync/", "engine/src/env/real"],
        reason: "waiting lives in sync",
    },
    Ban {
        word: "std::fs",
        inside: ENGINE,
        except: &["engine/src/env/real"],
        reason: "only env touches the operating system",
    },
    Ban {
        word: "std::thread",
        inside: ENGINE,
        except: &["engine/src/env/real", "engine/src/sync/"],
        reason: "tasks come from env",
    },
    Ban {
        word: "Instant::now",
        inside: ENGINE,
        except: &["engine/src/env/real"],
        reason: "time comes from env::Clock",
    },
];

/// Every Rust source file of the repository, relative to its root.
fn sources() -> Vec<PathBuf> {
    fn walk(dir: &Path, found: &mut Vec<PathBuf>) {
        for entry in fs::read_dir(dir).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            if name == "target" || name.starts_with('.') {
                continue;
            }
            if path.is_dir() {
                walk(&path, found);
            } else if name.ends_with(".rs") {
                found.push(path);
            }
        }
    }
    let root = workspace_root();
    let mut found = Vec::new();
    walk(&root, &mut found);
    found.sort();
    assert!(found.len() > 20, "found only {} source files under {}", found.len(), root.display());
    found.into_iter().map(|path| path.strip_prefix(&root).unwrap().to_owned()).collect()
}

fn text(path: &Path) -> String {
    fs::read_to_string(workspace_root().join(path)).unwrap()
}

/// Whether a file holds nothing but tests.
fn is_test(path: &Path) -> bool {
    path.iter().any(|part| part == "tests.rs" || part == "tests")
}

/// A line without its comment, good enough for imports and bans: `//` inside a string ends the line too.
fn code_of(line: &str) -> &str {
    line.split("//").next().unwrap_or("")
}

fn fail_if_any(rule: &str, findings: &[String]) {
    assert!(findings.is_empty(), "{rule}:\n{}", findings.join("\n"));
}

/// The layer of a file of `engine/src`, or `None` for the crate's root.
fn layer_of(path: &Path) -> Option<usize> {
    let inside = path.strip_prefix("engine/src").ok()?;
    let folder = inside.iter().next()?.to_str()?;
    let name = folder.strip_suffix(".rs").unwrap_or(folder);
    if name == "lib" {
        return None;
    }
    let layer = LAYERS.iter().position(|layer| *layer == name);
    assert!(layer.is_some(), "{}: `{name}` is no layer; ARCHITECTURE.md lists them", path.display());
    layer
}

/// The layers that a line of code names through `crate::`, grouped imports included.
fn layers_named(code: &str) -> Vec<&str> {
    let mut names = Vec::new();
    for (at, token) in code.match_indices("crate::") {
        if code[..at].ends_with('$') {
            continue;
        }
        let rest = &code[at + token.len()..];
        let heads: Vec<&str> = match rest.strip_prefix('{') {
            None => vec![rest],
            Some(group) => top_level_items(group),
        };
        for head in heads {
            let end = head.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(head.len());
            names.push(&head[..end]);
        }
    }
    names
}

/// The items of `{a::b, c::{d, e}}`, given what follows the first brace.
fn top_level_items(group: &str) -> Vec<&str> {
    let (mut depth, mut start, mut items) = (0, 0, Vec::new());
    for (at, c) in group.char_indices() {
        match c {
            '{' => depth += 1,
            '}' if depth == 0 => {
                items.push(group[start..at].trim());
                return items;
            }
            '}' => depth -= 1,
            ',' if depth == 0 => {
                items.push(group[start..at].trim());
                start = at + 1;
            }
            _ => {}
        }
    }
    items.push(group[start..].trim());
    items
}

/// The code of a file with comments removed and each `use` on one line.
fn statements(path: &Path) -> Vec<(usize, String)> {
    let mut statements: Vec<(usize, String)> = Vec::new();
    let mut open = false;
    for (at, line) in text(path).lines().enumerate() {
        let code = code_of(line);
        if open {
            let last = &mut statements.last_mut().unwrap().1;
            last.push_str(code.trim());
        } else {
            statements.push((at + 1, code.to_owned()));
        }
        let head = statements.last().unwrap().1.trim_start();
        let is_use =
            head.starts_with("use ") || head.starts_with("pub use ") || head.starts_with("pub(crate) use ");
        open = is_use && !head.trim_end().ends_with(';');
    }
    statements
}

#[test]
fn a_layer_imports_only_from_below() {
    let mut findings = Vec::new();
    for path in sources() {
        let Some(own) = layer_of(&path) else { continue };
        // Tests of a layer may build what they need from any other.
        if is_test(&path) {
            continue;
        }
        for (line, code) in statements(&path) {
            for name in layers_named(&code) {
                if LAYERS.iter().position(|layer| *layer == name).is_some_and(|other| other > own) {
                    findings.push(format!(
                        "{}:{line}: `{}` is below `{name}` and must not import from it",
                        path.display(),
                        LAYERS[own]
                    ));
                }
            }
        }
    }
    fail_if_any("a layer imports only from below", &findings);
}

#[test]
fn the_layer_check_sees_through_grouped_imports() {
    assert_eq!(layers_named("use crate::{base::{A, B}, txn::C};"), ["base", "txn"]);
    assert_eq!(layers_named("let x = crate::tree::splice(crate::base::Y);"), ["tree", "base"]);
    assert_eq!(layers_named("use std::fmt;"), Vec::<&str>::new());
}

#[test]
fn no_file_is_too_long() {
    let findings: Vec<String> = sources()
        .iter()
        .map(|path| (path, text(path).lines().count()))
        .filter(|(_, lines)| *lines > LINES_MAX)
        .map(|(path, lines)| format!("{}: {lines} lines", path.display()))
        .collect();
    fail_if_any("no file is longer than 800 lines", &findings);
}

#[test]
fn every_file_says_what_it_is_for() {
    let findings: Vec<String> = sources()
        .iter()
        .filter(|path| !text(path).starts_with("//! "))
        .map(|path| path.display().to_string())
        .collect();
    fail_if_any("every file opens with a `//!` line that says its purpose", &findings);
}

#[test]
fn banned_words_do_not_appear() {
    let mut findings = Vec::new();
    for path in sources() {
        let name = path.to_string_lossy().replace('\\', "/");
        if name == "tests/tests/all/tidy.rs" {
            continue;
        }
        for (at, line) in text(&path).lines().enumerate() {
            for ban in &BANS {
                // What only the engine may not do, its tests may.
                let is_free = ban.inside == ENGINE && is_test(&path);
                let applies = !is_free
                    && ban.inside.iter().any(|prefix| name.starts_with(prefix))
                    && !ban.except.iter().any(|prefix| name.starts_with(prefix));
                // Prose may name what is banned; unfinished work is announced in prose.
                let subject = if ban.word.contains([':', '!', '[']) { code_of(line) } else { line };
                if applies && subject.contains(ban.word) {
                    findings.push(format!("{name}:{}: `{}`: {}", at + 1, ban.word, ban.reason));
                }
            }
        }
    }
    fail_if_any("banned words", &findings);
}

#[test]
fn the_top_level_holds_only_what_it_should() {
    let findings: Vec<String> = fs::read_dir(workspace_root())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned())
        .filter(|name| !name.starts_with('.') && !TOP_LEVEL.contains(&name.as_str()))
        .collect();
    fail_if_any("entries that the repository's top level should not have", &findings);
}

#[test]
fn every_dependency_of_the_engine_is_justified() {
    let manifest = text(Path::new("engine/Cargo.toml"));
    let mut inside = false;
    let mut previous = "";
    let mut findings = Vec::new();
    for line in manifest.lines() {
        if line.starts_with('[') {
            inside = line.ends_with("dependencies]") && !line.contains("dev-dependencies");
        } else if inside && !line.trim().is_empty() && !line.starts_with('#') {
            let justified = previous.starts_with('#') || previous.starts_with('[');
            if !justified {
                findings.push(format!("engine/Cargo.toml: {line}"));
            }
        }
        if !line.trim().is_empty() {
            previous = line;
        }
    }
    fail_if_any("a dependency of the engine says in a comment why it is there", &findings);
}
