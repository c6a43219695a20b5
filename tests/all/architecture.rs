//! The picture in `src/lib.rs` is true: it shows every module, and a module uses only
//! modules that stand in a line below its own.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// Line and side of the wall of each module in the picture.
struct Picture(BTreeMap<String, (usize, Side)>);

#[derive(Clone, Copy, Debug, PartialEq)]
enum Side {
    Measures,
    Concludes,
    /// In a line without a wall.
    Both,
}

impl Picture {
    /// Reads the picture: lines of names between dots, the wall between the sides.
    fn read() -> Picture {
        let docs = include_str!("../../src/lib.rs");
        let picture = docs.split("```text\n").nth(1).and_then(|rest| rest.split("//! ```").next());
        let mut places = BTreeMap::new();
        for (line, text) in picture.expect("lib.rs has a picture").lines().enumerate() {
            let text = text.trim_start_matches("//!");
            let sides = match text.split_once('║') {
                Some((left, right)) => vec![(left, Side::Measures), (right, Side::Concludes)],
                None => vec![(text, Side::Both)],
            };
            for (names, side) in sides {
                for name in names.split('·').map(str::trim).filter(|name| !name.is_empty()) {
                    assert!(
                        places.insert(name.to_string(), (line, side)).is_none(),
                        "{name} twice"
                    );
                }
            }
        }
        Picture(places)
    }

    /// The reason why `user` may not use `used`, if it may not.
    fn objection(&self, user: &str, used: &str) -> Option<&'static str> {
        let ((line, side), (line_of_used, side_of_used)) = (self.0[user], self.0[used]);
        let is_across = side != side_of_used && side != Side::Both && side_of_used != Side::Both;
        if line_of_used <= line {
            Some("it stands no lower")
        } else {
            is_across.then_some("the wall is between them")
        }
    }
}

/// The Rust files below `folder`.
fn sources(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry"));
    let mut files = Vec::new();
    for path in entries.map(|entry| entry.path()) {
        if path.is_dir() {
            files.extend(sources(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
    files
}

/// The modules that a file uses, tests and comments left out.
fn used_modules(text: &str) -> Vec<&str> {
    let code = text.split("\n#[cfg(test)]\nmod tests {").next().unwrap_or_default();
    let lines = code.lines().filter(|line| !line.trim_start().starts_with("//"));
    let uses = lines.flat_map(|line| line.split("crate::").skip(1));
    uses.filter_map(|rest| rest.split(|c: char| c != '_' && !c.is_alphanumeric()).next()).collect()
}

#[test]
fn modules_use_only_what_stands_below_them_in_the_picture_of_the_crate() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let picture = Picture::read();
    let mut problems = Vec::new();
    for path in sources(&root) {
        let inside = path.strip_prefix(&root).expect("below src");
        let is_test = inside.iter().any(|part| part == "tests.rs" || part == "tests");
        let first = inside.iter().next().expect("a name").to_string_lossy();
        let user = first.trim_end_matches(".rs");
        if is_test || ["lib", "main"].contains(&user) {
            continue;
        }
        if !picture.0.contains_key(user) {
            problems.push(format!("the picture lacks {user}"));
            continue;
        }
        let text = fs::read_to_string(&path).expect("UTF-8");
        for used in used_modules(&text) {
            if used == user || !picture.0.contains_key(used) {
                continue;
            }
            if let Some(reason) = picture.objection(user, used) {
                problems.push(format!("{}: {user} uses {used}: {reason}", inside.display()));
            }
        }
    }
    assert!(problems.is_empty(), "{}", problems.join("\n"));
}
