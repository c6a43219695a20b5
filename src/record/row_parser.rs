//! Parser of a line's fields into a row.

use super::columns::Columns;
use super::fields::Fields;
use super::row::{COLUMNS, Phase, Row, SCHEMA};

/// Last of the columns that hold the position of a row's visit.
const LAST_POSITION_COLUMN: &str = "visit";

/// Upper limit of a thread count, in any version; a larger number is damage.
const MAX_THREADS: u32 = 1 << 20;

/// Field that cannot be parsed.
#[derive(Debug)]
pub struct FieldError {
    /// Column of the field.
    pub column: &'static str,
    /// Description of the problem.
    pub message: String,
    /// True if the position of the row's visit was parsed before.
    pub has_position: bool,
    /// True if the row has another version of the columns, and may mean anything.
    pub is_other_schema: bool,
}

/// Parses a line into `row`, which is reused: a million rows need the memory of one.
///
/// # Errors
/// The first field that cannot be parsed; `row` then keeps older values after it.
pub fn parse(fields: &Fields, columns: &Columns, row: &mut Row) -> Result<(), FieldError> {
    let mut parser = RowParser { fields, columns, next: 0 };
    let parsed = parser.schema(row).and_then(|()| parser.row(row));
    parsed.map_err(|message| {
        let index = parser.next - 1;
        let last = COLUMNS.iter().position(|column| *column == LAST_POSITION_COLUMN);
        FieldError {
            column: COLUMNS[index],
            message,
            has_position: last.is_some_and(|last| index > last),
            is_other_schema: index == 0 && row.schema != SCHEMA,
        }
    })
}

/// Cursor over the fields of a line, in the order of [`COLUMNS`].
struct RowParser<'a> {
    fields: &'a Fields,
    columns: &'a Columns,
    /// Index of the next column.
    next: usize,
}

impl<'a> RowParser<'a> {
    /// Parses the version of the columns, which says what the others mean.
    fn schema(&mut self, row: &mut Row) -> Result<(), String> {
        row.schema = SCHEMA;
        row.schema = self.number()?;
        match row.schema {
            SCHEMA => Ok(()),
            other => Err(format!("{other} is not supported (this harness reads {SCHEMA})")),
        }
    }

    fn row(&mut self, row: &mut Row) -> Result<(), String> {
        self.text(&mut row.version)?;
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
        self.text(&mut row.cpus)?;
        self.text(&mut row.isa)?;
        row.tally_draws = self.optional()?;
        row.tally_sum = self.signed()?;
        row.tally_sum_sq = self.signed()?;
        row.estimate = self.real()?;
        row.std_error = self.real()?;
        row.exit_status = self.signed()?;
        self.text(&mut row.error)?;
        row.stops = self.optional()?;
        row.boot_ns = self.optional()?;
        row.cycles = self.optional()?;
        row.others_cpu_ns = self.signed()?;
        Ok(())
    }

    fn case(&mut self, row: &mut Row) -> Result<(), String> {
        let case = &mut row.case;
        self.name(&mut case.kernel)?;
        self.name(&mut case.backend)?;
        case.nthread = self.number()?;
        if !(1..=MAX_THREADS).contains(&case.nthread) {
            return Err(format!("{} is not a number of threads", case.nthread));
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

    fn next_field(&mut self) -> &'a str {
        self.next += 1;
        self.columns.field(self.fields, self.next - 1)
    }

    /// Parses a required unsigned integer.
    fn number<T: TryFrom<u64>>(&mut self) -> Result<T, String> {
        self.optional()?.ok_or_else(|| "the field is empty".to_string())
    }

    /// Parses an unsigned integer; an empty field is `None`.
    fn optional<T: TryFrom<u64>>(&mut self) -> Result<Option<T>, String> {
        let text = self.next_field();
        if text.is_empty() {
            return Ok(None);
        }
        if !text.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(format!("{} is not an unsigned integer", quoted(text)));
        }
        let number = text.parse::<u64>().ok().and_then(|number| T::try_from(number).ok());
        number.map(Some).ok_or_else(|| format!("{} is too large", quoted(text)))
    }

    /// Parses a signed integer; an empty field is `None`.
    fn signed<T: std::str::FromStr>(&mut self) -> Result<Option<T>, String> {
        match self.next_field() {
            "" => Ok(None),
            text => text
                .parse()
                .map(Some)
                .map_err(|_| format!("{} is not an integer, or is out of range", quoted(text))),
        }
    }

    /// Parses a finite number; an empty field is `None`.
    fn real(&mut self) -> Result<Option<f64>, String> {
        match self.next_field() {
            "" => Ok(None),
            text => match text.parse::<f64>() {
                Ok(number) if number.is_finite() => Ok(Some(number)),
                _ => Err(format!("{} is not a finite number", quoted(text))),
            },
        }
    }

    fn phase(&mut self) -> Result<Phase, String> {
        match self.next_field() {
            "setup" => Ok(Phase::Setup),
            "warmup" => Ok(Phase::Warmup),
            "call" => Ok(Phase::Call),
            "teardown" => Ok(Phase::Teardown),
            "visit" => Ok(Phase::Visit),
            other => {
                let phases = "setup, warmup, call, teardown, visit";
                Err(format!("{} is not a phase ({phases})", quoted(other)))
            }
        }
    }

    /// Copies a name, which distinguishes cases. Names end up in file names, tables and
    /// pages, and must not hold control characters.
    fn name(&mut self, into: &mut String) -> Result<(), String> {
        let text = self.next_field();
        into.clear();
        into.push_str(text);
        match text.chars().any(char::is_control) {
            true => Err(format!("{} contains a control character", quoted(text))),
            false => Ok(()),
        }
    }

    /// Copies any text; control characters become spaces.
    fn text(&mut self, into: &mut String) -> Result<(), String> {
        let text = self.next_field();
        into.clear();
        if text.bytes().all(|byte| matches!(byte, b' '..=b'~')) {
            into.push_str(text);
            return Ok(());
        }
        if text.contains('\0') {
            return Err(format!("{} contains a NUL byte", quoted(text)));
        }
        into.extend(text.chars().map(|c| if c.is_control() { ' ' } else { c }));
        Ok(())
    }
}

/// Quotes the beginning of a field for a message, with control characters escaped:
/// a terminal must not act on them.
pub fn quoted(text: &str) -> String {
    const MAX_CHARS: usize = 40;
    let shown: String = text.chars().take(MAX_CHARS).collect();
    let more = if text.chars().nth(MAX_CHARS).is_some() { "…" } else { "" };
    format!("{shown:?}{more}")
}
