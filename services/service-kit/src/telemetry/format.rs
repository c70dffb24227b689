//! How a log line reads: on the console short, in a file as the Shadowrun orchestrator wrote it.

use std::fmt;

use time::{OffsetDateTime, UtcOffset, macros::format_description};
use tracing::{
    Event, Subscriber,
    field::{Field, Visit},
};
use tracing_subscriber::{
    fmt::{FmtContext, FormatEvent, FormatFields, format::Writer},
    registry::LookupSpan,
};

use crate::trace;

/// `17:30:00 INFO  rolled pool=6 trace=a1b2…`
pub struct Console;

/// `2025-10-24 17:30:00 | INFO     | [Trace: a1b2c3d4-…] | rolled pool=6`
pub struct File;

impl<S, N> FormatEvent<S, N> for Console
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(&self, _context: &FmtContext<'_, S, N>, mut writer: Writer<'_>, event: &Event<'_>) -> fmt::Result {
        let time = now().format(format_description!("[hour]:[minute]:[second]")).map_err(|_| fmt::Error)?;
        let level = event.metadata().level();
        let colour = match *level {
            tracing::Level::ERROR => "\x1b[31m",
            tracing::Level::WARN => "\x1b[33m",
            _ => "\x1b[2m",
        };
        if writer.has_ansi_escapes() {
            write!(writer, "\x1b[2m{time}\x1b[0m {colour}{level:<5}\x1b[0m {}", Text::of(event))?;
        } else {
            write!(writer, "{time} {level:<5} {}", Text::of(event))?;
        }
        if let Some(trace_id) = trace::current_id() {
            write!(writer, " trace={trace_id}")?;
        }
        writeln!(writer)
    }
}

impl<S, N> FormatEvent<S, N> for File
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(&self, _context: &FmtContext<'_, S, N>, mut writer: Writer<'_>, event: &Event<'_>) -> fmt::Result {
        let format = format_description!("[year]-[month]-[day] [hour]:[minute]:[second]");
        let time = now().format(format).map_err(|_| fmt::Error)?;
        let trace_id = trace::current_id().map_or_else(|| "-".to_owned(), |id| id.to_string());
        let level = event.metadata().level().as_str();
        writeln!(writer, "{time} | {level:<8} | [Trace: {trace_id}] | {}", Text::of(event))
    }
}

fn now() -> OffsetDateTime {
    OffsetDateTime::now_utc().to_offset(UtcOffset::UTC)
}

/// The message and the fields of an event, on one line whatever they hold.
#[derive(Default)]
struct Text {
    message: String,
    fields: String,
}

impl Text {
    fn of(event: &Event<'_>) -> Text {
        let mut text = Text::default();
        event.record(&mut text);
        text
    }

    fn put(&mut self, field: &Field, value: &str) {
        let value = value.replace(char::is_control, " ");
        if field.name() == "message" {
            self.message = value;
        } else if !field.name().starts_with("log.") {
            self.fields.push_str(&format!(" {}={value}", field.name()));
        }
    }
}

impl Visit for Text {
    fn record_str(&mut self, field: &Field, value: &str) {
        self.put(field, value);
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.put(field, &format!("{value:?}"));
    }
}

impl fmt::Display for Text {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}{}", self.message, self.fields)
    }
}
