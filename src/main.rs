//! The program `harness`: the library's own kernels and backends.

use std::process::ExitCode;

fn main() -> ExitCode {
    nthread::run(&nthread::Registry::default())
}
