//! Speed of the kernel `pi` on one core, for each instruction set of this CPU.

use std::hint::black_box;
use std::path::Path;
use std::time::Instant;

use nthread::kernel::{DEFAULT_BLOCK, Isa, Job, Kernel as _, Pi};
use rand::SeedableRng as _;
use rand::rngs::{SmallRng, StdRng};

use crate::Effort;
use crate::figure::{Target, heading, print, time};
use crate::peer::Peer;
use crate::race::{Race, Times};
use crate::{darts, figure};

const GIANT: &str = "pi in one giant block";
const SMALL_RNG: &str = "SmallRng";
const STD_RNG: &str = "StdRng";
const C: &str = "C, omp simd";
const NUMPY: &str = "NumPy SFC64";

/// Prints the ratios of speeds.
pub fn measure(effort: Effort) -> anyhow::Result<()> {
    heading("kernel: speed of pi on one core, relative to");
    // A sample of each contender takes about 15 ms.
    let fast = effort.or_test(1 << 25, 1 << 18);
    let slow = effort.or_test(1 << 21, 1 << 18);
    let dir = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let mut race = Race::default();
    for isa in Isa::available() {
        race.add(isa.name(), move || Ok(ns_per_draw(fast, || in_blocks(fast, isa))));
    }
    race.add(GIANT, || Ok(ns_per_draw(fast, || Pi.tally(1, 0, fast, Isa::best()).sum as u64)));
    let mut small = SmallRng::seed_from_u64(1);
    race.add(SMALL_RNG, move || Ok(ns_per_draw(slow, || darts::hits(&mut small, slow))));
    let mut std = StdRng::seed_from_u64(1);
    race.add(STD_RNG, move || Ok(ns_per_draw(slow, || darts::hits(&mut std, slow))));
    for (name, peer, draws) in [(C, Peer::c(dir), fast), (NUMPY, Peer::numpy(), slow)] {
        match peer {
            Ok(mut peer) => race.add(name, move || peer.ns_per_draw(draws)),
            Err(error) => println!("  without {name}: {error:#}"),
        }
    }
    let times = race.run(effort.or_test(25, 1))?;
    Isa::available().for_each(|isa| print_form(effort, &times, isa));
    let cost = times.ratios(Isa::best().name(), GIANT);
    print(effort, "time of blocks of 2^14 / one block", &cost, Target::AtMost(1.05), "");
    Ok(())
}

/// The draws in blocks of the usual size.
fn in_blocks(draws: u64, isa: Isa) -> u64 {
    let blocks = draws / DEFAULT_BLOCK;
    Job { seed: 1, block: DEFAULT_BLOCK, blocks }.tally(&Pi, 0..blocks, isa).sum as u64
}

/// Wall time of one of the `draws` draws that `body` makes.
fn ns_per_draw(draws: u64, body: impl FnOnce() -> u64) -> f64 {
    let start = Instant::now();
    black_box(body());
    start.elapsed().as_nanos() as f64 / draws as f64
}

/// Ratios of the speed of one form to that of each other.
fn print_form(effort: Effort, times: &Times, isa: Isa) {
    let own = times.median_ns(isa.name());
    println!("  {isa}: {}, {:.0} M draws/s", figure::time(own), 1e3 / own);
    for (peer, target) in targets(isa) {
        let remark = format!("{} a draw", time(times.median_ns(peer)));
        let ratios = times.ratios(peer, isa.name());
        print(effort, &format!("× {peer}"), &ratios, target, &remark);
    }
}

/// Contender that a form is compared with.
fn targets(isa: Isa) -> [(&'static str, Target); 4] {
    let (small, c, numpy) = match isa {
        Isa::Portable => (Target::Open, Target::Open, Target::Open),
        Isa::Avx2 => (Target::AtLeast(5.0), Target::Open, Target::Open),
        Isa::Avx512 => (Target::AtLeast(9.0), Target::AtLeast(1.2), Target::AtLeast(15.0)),
    };
    [(SMALL_RNG, small), (STD_RNG, Target::Open), (C, c), (NUMPY, numpy)]
}
