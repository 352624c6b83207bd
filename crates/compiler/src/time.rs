//! Timestamps: dates with a time of day and an offset, as Unix seconds.
//!
//! Not here: the current time. The compiler never reads it, so a policy always compiles to the same image.

use toml::value::{Datetime, Offset};

/// The reason why a date-time is not a timestamp in whole seconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TimeError {
    /// No date, no time of day, or no offset.
    Incomplete,
    /// A fraction of a second.
    Fraction,
}

/// The Unix seconds of a date-time.
///
/// # Errors
///
/// Returns an error if it is not a timestamp in whole seconds.
pub fn unix_seconds(time: &Datetime) -> Result<i64, TimeError> {
    let (Some(date), Some(clock), Some(offset)) = (time.date, time.time, time.offset) else {
        return Err(TimeError::Incomplete);
    };
    if clock.nanosecond.unwrap_or(0) != 0 {
        return Err(TimeError::Fraction);
    }
    let offset_minutes = match offset {
        Offset::Z => 0,
        Offset::Custom { minutes } => i64::from(minutes),
    };
    let days = days_from_epoch(
        i64::from(date.year),
        i64::from(date.month),
        i64::from(date.day),
    );
    let minutes = i64::from(clock.hour) * 60 + i64::from(clock.minute) - offset_minutes;
    // Years have four digits, so nothing here comes near the ends of `i64`.
    Ok(days * 86_400 + minutes * 60 + i64::from(clock.second.unwrap_or(0)))
}

/// Reads RFC 3339, as CEL's `timestamp` does.
///
/// # Errors
///
/// Returns an error if it is anything else, or has a fraction of a second.
pub fn parse_rfc3339(text: &str) -> Result<i64, TimeError> {
    // TOML also accepts a space for the `T` and no seconds; RFC 3339 and CEL do not.
    let complete = text
        .as_bytes()
        .get(10)
        .is_some_and(|byte| byte.eq_ignore_ascii_case(&b'T'))
        && text.as_bytes().get(16) == Some(&b':');
    match text.parse::<Datetime>() {
        Ok(time) if complete => unix_seconds(&time),
        _ => Err(TimeError::Incomplete),
    }
}

/// Days from 1970-01-01 to a date of the proleptic Gregorian calendar.
fn days_from_epoch(year: i64, month: i64, day: i64) -> i64 {
    // Years are counted from March, so that the leap day is the last one; months then fall on days
    // that (153 m + 2) / 5 yields. 719,468 days are between 0000-03-01 and 1970-01-01.
    let (year, month) = if month > 2 {
        (year, month - 3)
    } else {
        (year - 1, month + 9)
    };
    let leap_days = year.div_euclid(4) - year.div_euclid(100) + year.div_euclid(400);
    year * 365 + leap_days + (153 * month + 2) / 5 + day - 1 - 719_468
}

/// Reads a duration of whole seconds as CEL writes it: `90s`, `90m`, `1h30m`, `-24h`.
pub(crate) fn parse_duration(text: &str) -> Option<i64> {
    let (sign, mut rest) = match text.strip_prefix('-') {
        Some(rest) => (-1, rest),
        None => (1, text),
    };
    let mut seconds: i64 = 0;
    let mut last_unit = i64::MAX;
    while !rest.is_empty() {
        let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
        let number: i64 = rest.get(..digits)?.parse().ok()?;
        let unit = match rest.as_bytes().get(digits)? {
            b'h' => 3_600,
            b'm' => 60,
            b's' => 1,
            _ => return None,
        };
        // `1m1h` is probably a mistake, and `1ms` is not a minute.
        if unit >= last_unit {
            return None;
        }
        last_unit = unit;
        seconds = seconds.checked_add(number.checked_mul(unit)?)?;
        rest = rest.get(digits + 1..)?;
    }
    (last_unit != i64::MAX).then_some(sign * seconds)
}

#[cfg(test)]
mod tests;
