//! One record as a row, in the place of an earlier one: a million rows need the
//! memory of one.

use super::columns::Columns;
use super::fields::Fields;
use super::row::{COLUMNS, Phase, Row, SCHEMA};

/// The last column that says where a row belongs.
const LAST_OF_PLACE: &str = "visit";

/// No case has more workers, in any version; a number beyond is a slip.
const MOST_THREADS: u32 = 1 << 20;

/// A field that makes no sense.
#[derive(Debug)]
pub struct Misfit {
    /// Its column.
    pub column: &'static str,
    /// What is wrong with it.
    pub message: String,
    /// Whether session, round, group and visit of the row could be read.
    pub has_place: bool,
    /// Whether the row is of another version of the columns, and may mean
    /// anything.
    pub is_other_schema: bool,
}

/// Reads a record into `row`.
///
/// # Errors
/// The first field that makes no sense; then what follows it in `row` means
/// nothing.
pub fn parse(fields: &Fields, columns: &Columns, row: &mut Row) -> Result<(), Misfit> {
    let mut cells = Cells { fields, columns, next: 0 };
    let parsed = cells.schema(row).and_then(|()| cells.row(row));
    parsed.map_err(|message| {
        let index = cells.next - 1;
        let place = COLUMNS.iter().position(|column| *column == LAST_OF_PLACE);
        Misfit {
            column: COLUMNS[index],
            message,
            has_place: place.is_some_and(|place| index > place),
            is_other_schema: index == 0 && row.schema != SCHEMA,
        }
    })
}

/// The cells of a record, in the order of [`COLUMNS`].
struct Cells<'a> {
    fields: &'a Fields,
    columns: &'a Columns,
    /// Index of the column that comes next.
    next: usize,
}

impl<'a> Cells<'a> {
    /// The version of the columns comes first: it says what the others mean.
    fn schema(&mut self, row: &mut Row) -> Result<(), String> {
        row.schema = SCHEMA;
        row.schema = self.number()?;
        match row.schema {
            SCHEMA => Ok(()),
            other => Err(format!("{other} (this harness reads {SCHEMA})")),
        }
    }

    fn row(&mut self, row: &mut Row) -> Result<(), String> {
        self.words(&mut row.version)?;
        row.session = self.number()?;
        row.round = self.number()?;
        row.group = self.number()?;
        row.visit = self.number()?;
        row.phase = self.phase()?;
        row.iteration = self.optional()?;
        row.started_ns = self.number()?;
        self.case(row)?;
        row.wall_ns = self.optional()?;
        row.user_ns = self.optional()?;
        row.system_ns = self.optional()?;
        row.busy_min_ns = self.optional()?;
        row.busy_max_ns = self.optional()?;
        row.busy_sum_ns = self.optional()?;
        row.worker_cpu_sum_ns = self.optional()?;
        row.run_delay_ns = self.optional()?;
        row.voluntary_switches = self.optional()?;
        row.involuntary_switches = self.optional()?;
        row.max_rss_bytes = self.optional()?;
        row.throttled_ns = self.optional()?;
        row.steal_ns = self.optional()?;
        self.words(&mut row.cpus)?;
        self.words(&mut row.isa)?;
        row.tally_draws = self.optional()?;
        row.tally_sum = self.signed()?;
        row.tally_sum_sq = self.signed()?;
        row.estimate = self.real()?;
        row.std_error = self.real()?;
        row.exit_status = self.signed()?;
        self.words(&mut row.error)?;
        row.stops = self.optional()?;
        row.boot_ns = self.optional()?;
        row.cycles = self.optional()?;
        Ok(())
    }

    fn case(&mut self, row: &mut Row) -> Result<(), String> {
        let case = &mut row.case;
        self.name(&mut case.kernel)?;
        self.name(&mut case.backend)?;
        case.nthread = self.number()?;
        if !(1..=MOST_THREADS).contains(&case.nthread) {
            return Err(format!("{} is no number of threads", case.nthread));
        }
        self.name(&mut case.schedule)?;
        case.chunk = self.optional()?;
        case.block = self.number()?;
        self.name(&mut case.pin)?;
        self.name(&mut case.start_method)?;
        case.inner_nthread = self.number()?;
        self.name(&mut case.scaling)?;
        case.draws = self.optional()?;
        case.seed = self.number()?;
        self.name(&mut case.label)
    }

    fn cell(&mut self) -> &'a str {
        self.next += 1;
        self.columns.cell(self.fields, self.next - 1)
    }

    /// A whole number that must be there.
    fn number<T: TryFrom<u64>>(&mut self) -> Result<T, String> {
        self.optional()?.ok_or_else(|| "nothing where a whole number must be".to_string())
    }

    /// A whole number, or nothing.
    fn optional<T: TryFrom<u64>>(&mut self) -> Result<Option<T>, String> {
        let text = self.cell();
        if text.is_empty() {
            return Ok(None);
        }
        if !text.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(format!("{} is no whole number from 0 on", quoted(text)));
        }
        let number = text.parse::<u64>().ok().and_then(|number| T::try_from(number).ok());
        number.map(Some).ok_or_else(|| format!("{} is too large", quoted(text)))
    }

    /// A whole number that may be negative, or nothing.
    fn signed<T: std::str::FromStr>(&mut self) -> Result<Option<T>, String> {
        match self.cell() {
            "" => Ok(None),
            text => text
                .parse()
                .map(Some)
                .map_err(|_| format!("{} is no whole number, or is out of range", quoted(text))),
        }
    }

    /// A finite number, or nothing.
    fn real(&mut self) -> Result<Option<f64>, String> {
        match self.cell() {
            "" => Ok(None),
            text => match text.parse::<f64>() {
                Ok(number) if number.is_finite() => Ok(Some(number)),
                _ => Err(format!("{} is no number", quoted(text))),
            },
        }
    }

    fn phase(&mut self) -> Result<Phase, String> {
        match self.cell() {
            "setup" => Ok(Phase::Setup),
            "warmup" => Ok(Phase::Warmup),
            "call" => Ok(Phase::Call),
            "teardown" => Ok(Phase::Teardown),
            "visit" => Ok(Phase::Visit),
            other => {
                Err(format!("{} is no phase (setup, warmup, call, teardown, visit)", quoted(other)))
            }
        }
    }

    /// What tells cases apart. It ends up in names of files, in tables and in
    /// pages, and no name has a line end.
    fn name(&mut self, into: &mut String) -> Result<(), String> {
        let text = self.cell();
        into.clear();
        into.push_str(text);
        match text.chars().any(char::is_control) {
            true => Err(format!("{} has a control character", quoted(text))),
            false => Ok(()),
        }
    }

    /// Any text, on one line.
    fn words(&mut self, into: &mut String) -> Result<(), String> {
        let text = self.cell();
        into.clear();
        if text.bytes().all(|byte| matches!(byte, b' '..=b'~')) {
            into.push_str(text);
            return Ok(());
        }
        if text.contains('\0') {
            return Err(format!("{} has a NUL byte", quoted(text)));
        }
        into.extend(text.chars().map(|c| if c.is_control() { ' ' } else { c }));
        Ok(())
    }
}

/// The beginning of a field, as a message shows it: on one line, and harmless to
/// a terminal.
pub fn quoted(text: &str) -> String {
    const MOST_CHARS: usize = 40;
    let shown: String = text.chars().take(MOST_CHARS).collect();
    let more = if text.chars().nth(MOST_CHARS).is_some() { "…" } else { "" };
    format!("{shown:?}{more}")
}
