//! Fake root directories that describe a machine, for tests.

use std::fs;
use std::path::Path;

use tempfile::TempDir;

/// A root directory that is removed after the test.
pub struct FakeRoot(TempDir);

impl FakeRoot {
    /// Creates a root with these files: absolute path and contents.
    pub fn new(files: &[(&str, &str)]) -> FakeRoot {
        let fake = FakeRoot(tempfile::tempdir().expect("a temporary directory"));
        for (path, text) in files {
            fake.write(path, text);
        }
        fake
    }

    /// Adds or replaces a file.
    pub fn write(&self, path: &str, text: &str) {
        let path = super::under(self.path(), Path::new(path));
        fs::create_dir_all(path.parent().expect("a path below the root")).expect("directories");
        fs::write(path, format!("{text}\n")).expect("a file");
    }

    /// The path of the root.
    pub fn path(&self) -> &Path {
        self.0.path()
    }
}
