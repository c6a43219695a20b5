//! Tests of the library and of the program, in one executable: linking takes longer than
//! most of them. Those that need a process with one thread are in `tests/forking`.

mod advise;
mod architecture;
mod bad_data;
mod big_reports;
mod browser;
mod calibration;
mod command_line;
mod command_options;
mod commands;
#[path = "../common/mod.rs"]
mod common;
mod compare;
mod crossings;
mod disturbed;
mod docs;
mod examples;
mod faults;
mod fit;
mod fuzz_protocol;
mod fuzz_readers;
mod interrupt;
mod originals;
mod pages;
mod process;
mod process_faults;
mod resume;
mod second_reader;
mod selftest;
mod settings;
mod sweep;
