//! The time, as every service stores and shows it.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use time::{
    OffsetDateTime, UtcOffset,
    format_description::{BorrowedFormatItem, well_known::Rfc3339},
    macros::format_description,
};

/// Milliseconds since 1970, as times are stored.
pub fn now_ms() -> i64 {
    let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since_epoch.as_millis()).unwrap_or(i64::MAX)
}

/// Now, as [`rfc3339`] shows it.
pub fn now() -> String {
    rfc3339(now_ms())
}

/// A stored time as clients read it: RFC 3339 in UTC, with milliseconds, and the offset in digits, since older readers
/// do not know `Z`. A time beyond the calendar reads as 1970.
pub fn rfc3339(unix_ms: i64) -> String {
    let format = format_description!(
        "[year]-[month]-[day]T[hour]:[minute]:[second].[subsecond digits:3][offset_hour sign:mandatory]:[offset_minute]"
    );
    shown(i128::from(unix_ms) * 1_000_000, format)
}

/// How long ago a time was that [`rfc3339`] shows; nothing if another machine's clock is ahead of ours. `None` if the text is
/// no time.
pub fn since(text: &str) -> Option<Duration> {
    let time = OffsetDateTime::parse(text, &Rfc3339).ok()?;
    Some((OffsetDateTime::now_utc() - time).try_into().unwrap_or_default())
}

/// A moment as [`rfc3339`] shows it, but with microseconds: spans begin close to each other.
pub(crate) fn rfc3339_micros(time: SystemTime) -> String {
    let format = format_description!(
        "[year]-[month]-[day]T[hour]:[minute]:[second].[subsecond digits:6][offset_hour sign:mandatory]:[offset_minute]"
    );
    let since_epoch = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    shown(i128::try_from(since_epoch.as_nanos()).unwrap_or_default(), format)
}

fn shown(unix_nanos: i128, format: &[BorrowedFormatItem<'_>]) -> String {
    let time = OffsetDateTime::from_unix_timestamp_nanos(unix_nanos);
    time.unwrap_or(OffsetDateTime::UNIX_EPOCH).to_offset(UtcOffset::UTC).format(format).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_has_milliseconds_and_an_offset_in_digits() {
        assert_eq!(rfc3339(1_700_000_000_123), "2023-11-14T22:13:20.123+00:00");
        assert_eq!(rfc3339(0), "1970-01-01T00:00:00.000+00:00");
        assert_eq!(rfc3339(i64::MAX), "1970-01-01T00:00:00.000+00:00");
    }

    #[test]
    fn how_long_ago_it_was_is_told_of_what_we_have_shown() {
        let ago = since(&rfc3339(now_ms() - 90_000)).unwrap();
        assert!((90..100).contains(&ago.as_secs()), "{ago:?}");
        assert_eq!(since(&rfc3339(now_ms() + 90_000)), Some(Duration::ZERO));
        assert_eq!(since("yesterday"), None);
    }

    #[test]
    fn a_moment_has_microseconds() {
        let time = UNIX_EPOCH + std::time::Duration::from_nanos(1_700_000_000_123_456_789);
        assert_eq!(rfc3339_micros(time), "2023-11-14T22:13:20.123456+00:00");
    }
}
