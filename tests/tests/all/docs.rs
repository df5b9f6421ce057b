//! `ARCHITECTURE.md` and `docs/` against the tree.
//!
//! Why: a page that names what is no longer there sends its reader astray. How: every path and every identifier in
//! backticks is looked up in the tree; the code map has exactly the layers and crates that there are; tables that
//! stand both in a page and in the header of a source file are compared.
//!
//! Not here: the constants of the format (`format`); whether the prose is true.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use tests::workspace_root;

/// Lines that no page may pass.
const LINES_MAX: usize = 320;

/// The folders that hold sources.
const SOURCES: [&str; 7] = ["engine", "cli", "sim", "fuzz", "loom-tests", "tests", "bench"];

fn read(path: &str) -> String {
    let full = workspace_root().join(path);
    fs::read_to_string(&full).unwrap_or_else(|e| panic!("{}: {e}", full.display()))
}

/// The pages, by path relative to the root.
fn pages() -> BTreeMap<String, String> {
    let mut names = vec!["ARCHITECTURE.md".to_owned()];
    for entry in fs::read_dir(workspace_root().join("docs")).unwrap() {
        let name = entry.unwrap().file_name().to_string_lossy().into_owned();
        if name.ends_with(".md") {
            names.push(format!("docs/{name}"));
        }
    }
    assert!(names.len() >= 4, "the pages are there");
    names.into_iter().map(|name| (name.clone(), read(&name))).collect()
}

/// A source file.
struct Source {
    /// Its path relative to the root, part by part, the last one without its extension.
    modules: Vec<String>,
    /// Its code, without whole-line comments but where these name the fields of the format.
    text: String,
}

/// Every source file.
fn code() -> Vec<Source> {
    fn walk(dir: &Path, found: &mut Vec<PathBuf>) {
        for entry in fs::read_dir(dir).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            if path.is_dir() && name != "target" && !name.starts_with('.') {
                walk(&path, found);
            } else if name.ends_with(".rs") {
                found.push(path);
            }
        }
    }
    let mut found = Vec::new();
    SOURCES.iter().for_each(|dir| walk(&workspace_root().join(dir), &mut found));
    let own = workspace_root().join("tests/tests/all/docs.rs");
    found
        .iter()
        .filter(|path| **path != own)
        .map(|path| {
            let text = fs::read_to_string(path).unwrap();
            let names_fields = path.starts_with(workspace_root().join("engine/src/format"));
            let is_code = |line: &&str| names_fields || !line.trim_start().starts_with("//");
            let text = text.lines().filter(is_code).collect::<Vec<_>>().join("\n");
            let relative = path.strip_prefix(workspace_root()).unwrap().with_extension("");
            let modules = relative.iter().map(|part| part.to_string_lossy().into_owned()).collect();
            Source { modules, text }
        })
        .collect()
}

/// The text of each pair of single backticks outside of fences, and each `A::b` inside of them, with its line.
fn references(page: &str) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    let mut fenced = false;
    for (at, line) in page.lines().enumerate() {
        if line.starts_with("```") {
            fenced = !fenced;
        } else if fenced {
            let words = line.split(|c: char| !(c.is_alphanumeric() || c == '_' || c == ':'));
            let qualified = words.filter(|word| word.contains("::"));
            found.extend(qualified.map(|word| (at + 1, word.to_owned())));
        } else {
            found.extend(line.split('`').skip(1).step_by(2).map(|span| (at + 1, span.to_owned())));
        }
    }
    found
}

fn is_identifier(text: &str) -> bool {
    !text.is_empty()
        && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
        && !text.starts_with(|c: char| c.is_ascii_digit())
}

/// Whether `word` stands in `text` with nothing of a word around it.
fn has_word(text: &str, word: &str) -> bool {
    let part_of_word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    text.match_indices(word).any(|(at, _)| {
        !text[..at].ends_with(part_of_word) && !text[at + word.len()..].starts_with(part_of_word)
    })
}

/// Whether something in the sources has the name `path`. `A::f` is a function in a block of the type or trait `A`,
/// `a::f` one in a file or folder `a`; `A::B` is a `B` in a file that has an `A`.
fn is_defined(code: &[Source], path: &str) -> bool {
    let called = path.ends_with("()");
    let parts: Vec<&str> = path.trim_end_matches("()").split("::").collect();
    let (owners, name) = (&parts[..parts.len() - 1], parts[parts.len() - 1]);
    let is_lower = |part: &str| part.starts_with(|c: char| c.is_ascii_lowercase());
    // A long lower-case name is that of a test or another function.
    let is_sentence = name.matches('_').count() >= 3;
    let is_function = called || is_sentence || (!owners.is_empty() && is_lower(name));
    code.iter().any(|source| {
        let (modules, types): (Vec<&str>, Vec<&str>) = owners.iter().partition(|owner| is_lower(owner));
        if !modules.iter().all(|module| source.modules.iter().any(|part| part == module)) {
            return false;
        }
        match types[..] {
            [owner] if is_function => blocks_of(&source.text, owner).iter().any(|block| has_fn(block, name)),
            _ if is_function => types.is_empty() && has_fn(&source.text, name),
            _ => has_word(&source.text, name) && types.iter().all(|owner| has_word(&source.text, owner)),
        }
    })
}

fn has_fn(text: &str, name: &str) -> bool {
    text.contains(&format!("fn {name}(")) || text.contains(&format!("fn {name}<"))
}

/// The blocks `impl … A` and `trait A` of a formatted source text: they end at the brace below their first letter.
fn blocks_of(text: &str, owner: &str) -> Vec<String> {
    let lines: Vec<&str> = text.lines().collect();
    let mut blocks = Vec::new();
    for (at, line) in lines.iter().enumerate() {
        let indent = &line[..line.len() - line.trim_start().len()];
        let end = format!("{indent}}}");
        let block: Vec<&str> = lines[at..].iter().copied().take_while(|line| *line != end).collect();
        let head = line.trim_start().trim_start_matches("unsafe ");
        if (head.starts_with("impl") || head.contains("trait "))
            && owner_of(&block.join(" ")).as_deref() == Some(owner)
        {
            blocks.push(block.join("\n"));
        }
    }
    blocks
}

/// The type or trait whose functions are in the block that begins with `head`.
fn owner_of(head: &str) -> Option<String> {
    let head = head.split('{').next()?.trim_start().trim_start_matches("unsafe ");
    let subject = match head.strip_prefix("impl") {
        Some(rest) => {
            let rest = rest.split(" where ").next()?;
            rest.split_once(" for ").map_or_else(|| without_generics(rest), |(_, subject)| subject)
        }
        None => head.split_once("trait ")?.1,
    };
    let path = subject.trim_start().trim_start_matches('&');
    let path = path.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_' || c == ':')).next()?;
    Some(path.rsplit("::").next()?.trim_end_matches(':').to_owned())
}

/// What follows the generics at the start of `text`, if there are any.
fn without_generics(text: &str) -> &str {
    let mut depth = 0;
    for (at, c) in text.char_indices() {
        match c {
            '<' => depth += 1,
            '>' if !text[..at].ends_with('-') => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return text[at..].trim_start_matches('>');
        }
    }
    text
}

#[test]
fn functions_are_looked_for_where_they_are_said_to_be() {
    let text = "impl<E: Env, F: Fn(u8) -> u8> Core<E> {\n    fn apply(&self) {\n    }\n}\nfn splice() {\n}\n\
        impl<T> Drop for Tx<T>\nwhere\n    T: Send,\n{\n    fn drop(&mut self) {\n    }\n}\n\
        pub trait Disk: Send {\n    fn open(&self);\n}\n";
    let modules = ["engine", "src", "recovery", "calls"].map(str::to_owned).to_vec();
    let code = [Source { modules, text: text.to_owned() }];
    for there in
        ["Core::apply", "calls::splice", "recovery::splice", "Tx::drop", "Disk::open", "calls::Tx::drop"]
    {
        assert!(is_defined(&code, there), "{there}");
    }
    for absent in ["Core::splice", "Core::drop", "Drop::drop", "Env::apply", "txn::splice", "redo::Tx::drop"]
    {
        assert!(!is_defined(&code, absent), "{absent}");
    }
}

fn layers() -> BTreeSet<String> {
    let entries = fs::read_dir(workspace_root().join("engine/src")).unwrap().map(Result::unwrap);
    let folders = entries.filter(|entry| entry.path().is_dir());
    folders.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect()
}

#[test]
fn what_the_pages_name_is_in_the_tree() {
    let code = code();
    let mut findings = Vec::new();
    let mut looked_up = 0;
    for (name, page) in pages() {
        for (line, reference) in references(&page) {
            let first = reference.split('/').next().unwrap_or_default();
            let is_path = reference.ends_with(".md")
                || (reference.contains('/') && workspace_root().join(first).is_dir());
            let plain = reference.trim_end_matches("()").replace("::", "_");
            let is_name = is_identifier(&plain)
                && (plain.contains('_') || plain != reference || plain.starts_with(char::is_uppercase));
            let exists = match (is_path, is_name) {
                (true, _) if reference.contains([' ', '*', '<']) => continue,
                (true, _) => workspace_root().join(&reference).exists(),
                (false, true) => is_defined(&code, &reference),
                (false, false) => continue,
            };
            looked_up += 1;
            if !exists {
                findings.push(format!("{name}:{line}: `{reference}` is not there"));
            }
        }
    }
    assert!(looked_up > 100, "only {looked_up} references were found");
    assert!(findings.is_empty(), "{}", findings.join("\n"));
}

#[test]
fn the_code_map_has_every_layer_and_every_crate() {
    let page = read("ARCHITECTURE.md");
    let first_cells = page.lines().filter_map(|line| line.strip_prefix("| `")?.split('`').next());
    let (mut mapped_layers, mut mapped_crates) = (BTreeSet::new(), BTreeSet::new());
    for cell in first_cells {
        match cell.strip_prefix("engine/src/") {
            Some(layer) => assert!(mapped_layers.insert(layer.to_owned()), "{layer} is in the map twice"),
            None => assert!(mapped_crates.insert(cell.to_owned()), "{cell} is in the map twice"),
        }
    }
    assert_eq!(mapped_layers, layers());
    let manifest = read("Cargo.toml");
    let members =
        manifest.lines().find(|line| line.starts_with("members")).expect("the workspace has members");
    let members: BTreeSet<String> = members.split('"').skip(1).step_by(2).map(str::to_owned).collect();
    assert_eq!(mapped_crates, members);
}

/// The rows of the tables in some lines, cell by cell; heads, rulers and what is fenced are left out.
fn rows<'t>(lines: impl Iterator<Item = &'t str>) -> Vec<Vec<String>> {
    let mut fenced = false;
    let unfenced = lines.filter(|line| {
        fenced ^= line.starts_with("```");
        !fenced
    });
    let lines: Vec<&str> = unfenced.collect();
    let is_ruler = |line: &str| line.starts_with("|-");
    let mut rows = Vec::new();
    for (at, line) in lines.iter().enumerate() {
        let is_head = lines.get(at + 1).is_some_and(|next| is_ruler(next));
        if line.starts_with('|') && !is_ruler(line) && !is_head {
            let cells = line.trim_start_matches('|').trim_end_matches('|').split('|');
            rows.push(cells.map(|cell| cell.trim().replace(['`', '[', ']'], "")).collect());
        }
    }
    rows
}

/// The rows below a heading, up to the next one of any rank.
fn rows_below(page: &str, heading: &str) -> Vec<Vec<String>> {
    let mut lines = page.lines().skip_while(|line| *line != heading);
    assert!(lines.next().is_some(), "there is no heading {heading:?}");
    rows(lines.take_while(|line| !line.starts_with('#')))
}

/// The rows in the header of a source file.
fn rows_in_header(path: &str) -> Vec<Vec<String>> {
    let text = read(path);
    let header = text.lines().map_while(|line| line.strip_prefix("//!")).map(str::trim);
    rows(header.collect::<Vec<_>>().into_iter())
}

#[test]
fn the_records_are_those_of_the_code() {
    let page = rows_below(&read("docs/FORMAT.md"), "### Records");
    assert_eq!(page, rows_in_header("engine/src/format/record.rs"));
    let kinds: BTreeSet<String> = constants("engine/src/format/record.rs", "pub const ", ": u8 = ")
        .into_values()
        .filter(|value| !value.starts_with("0x"))
        .collect();
    assert_eq!(page.iter().map(|row| row[0].clone()).collect::<BTreeSet<_>>(), kinds);
}

#[test]
fn the_undo_entries_are_those_of_the_code() {
    let page = rows_below(&read("docs/FORMAT.md"), "### Undo entries");
    let kinds = page.iter().filter(|row| row.len() == 3);
    let kinds: BTreeMap<String, String> = kinds.map(|row| (row[1].clone(), row[0].clone())).collect();
    assert_eq!(kinds, constants("engine/src/txn/codec.rs", "const ", ": u8 = "));
}

/// The constants of one type in a source file: names and values as text.
fn constants(path: &str, keyword: &str, typed: &str) -> BTreeMap<String, String> {
    let text = read(path);
    let declared = text.lines().filter_map(|line| line.trim().strip_prefix(keyword)?.split_once(typed));
    declared.map(|(name, value)| (name.to_owned(), value.trim_end_matches(';').to_owned())).collect()
}

#[test]
fn the_byte_maps_are_those_of_the_code() {
    let page = read("docs/FORMAT.md");
    let places = |rows: Vec<Vec<String>>| rows.into_iter().map(|row| row[0].clone()).collect::<Vec<_>>();
    for (heading, source) in [
        ("## Superblock", "superblock"),
        ("### Block reference", "block_ref"),
        ("### Tree root", "tree_root"),
        ("### Map root", "map_root"),
        ("### Space root", "space_root"),
        ("### Log position", "log_position"),
        ("### Header", "log_header"),
        ("### Inner nodes", "inner"),
    ] {
        let code = places(rows_in_header(&format!("engine/src/format/{source}.rs")));
        assert!(code.len() > 2, "{source}.rs has a byte map");
        assert_eq!(places(rows_below(&page, heading)), code, "{heading}");
    }
    let code = places(rows_in_header("engine/src/map/mod.rs"));
    assert_eq!(places(rows_below(&page, "### Map nodes"))[..code.len()], code, "map nodes");
}

#[test]
fn no_page_is_too_long() {
    for (name, page) in pages() {
        let lines = page.lines().count();
        assert!(lines <= LINES_MAX, "{name}: {lines} lines");
    }
}
