//! Tells the program what it was built from: `--version` and `run.json` say so.

use std::env;
use std::process::Command;

fn main() {
    // A commit changes HEAD's log and no source file; a change that is not
    // committed changes a source file and no log.
    for path in
        ["src", "assets", "build.rs", "Cargo.toml", "Cargo.lock", ".git/HEAD", ".git/logs/HEAD"]
    {
        if std::path::Path::new(path).exists() {
            println!("cargo:rerun-if-changed={path}");
        }
    }
    // An unpacked crate may lie inside a repository of somebody else.
    let own = env::var("CARGO_MANIFEST_DIR").ok();
    let is_ours = output("git", &["rev-parse", "--show-toplevel"]) == own;
    let git = |arguments: &[&str]| is_ours.then(|| output("git", arguments)).flatten();
    let commit = git(&["rev-parse", "--short=12", "HEAD"]).unwrap_or_default();
    // Sweeps are no source: taking one does not make the next one dirty.
    let source = ["status", "--porcelain", "--untracked-files=no", "--", ".", ":!results"];
    let changes = git(&source);
    let is_dirty = changes.is_some_and(|changes| !changes.is_empty());
    let rustc = env::var("RUSTC").ok().and_then(|rustc| output(&rustc, &["--version"]));
    let version = env::var("CARGO_PKG_VERSION").unwrap_or_default();
    let version = if commit.is_empty() { version } else { format!("{version} ({commit})") };
    tell("VERSION", &version);
    tell("COMMIT", &commit);
    tell("DIRTY", if is_dirty { "true" } else { "false" });
    tell("RUSTC", &rustc.unwrap_or_default());
    tell("TARGET", &env::var("TARGET").unwrap_or_default());
    tell("TARGET_FEATURES", &env::var("CARGO_CFG_TARGET_FEATURE").unwrap_or_default());
    tell("OPT_LEVEL", &env::var("OPT_LEVEL").unwrap_or_default());
}

/// Sets a variable for `env!` in the crate.
fn tell(name: &str, value: &str) {
    println!("cargo:rustc-env=NTHREAD_{name}={value}");
}

/// What a command prints, if it is there and succeeds.
fn output(program: &str, arguments: &[&str]) -> Option<String> {
    let output = Command::new(program).args(arguments).output().ok()?;
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).trim().to_string())
}
