//! Timestamps as RFC 3339.

const DAY: i64 = 86_400;

/// A timestamp with one of three offsets.
pub(super) fn rfc3339(secs: i64, offset: usize) -> String {
    let (shift, suffix) = match offset {
        0 => (3_600, "+01:00"),
        1 => (-12_600, "-03:30"),
        _ => (0, "Z"),
    };
    let secs = secs + shift;
    let (year, month, day) = date(secs.div_euclid(DAY));
    let time = secs.rem_euclid(DAY);
    let (hour, minute, second) = (time / 3_600, time / 60 % 60, time % 60);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}{suffix}")
}

/// The date `days` days after 1970-01-01, found by counting.
fn date(mut days: i64) -> (i64, usize, i64) {
    let mut year = 1970;
    let is_leap = |year: i64| (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    let length = |year| if is_leap(year) { 366 } else { 365 };
    while days < 0 {
        year -= 1;
        days += length(year);
    }
    while days >= length(year) {
        days -= length(year);
        year += 1;
    }
    let february = if is_leap(year) { 29 } else { 28 };
    let months = [31, february, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
    for (at, month) in months.into_iter().enumerate() {
        if days < month {
            return (year, at + 1, days + 1);
        }
        days -= month;
    }
    (year, 12, 31)
}

#[cfg(test)]
mod tests {
    use super::rfc3339;

    #[test]
    fn table() {
        let cases = [
            (0, 2, "1970-01-01T00:00:00Z"),
            (-1, 2, "1969-12-31T23:59:59Z"),
            (951_782_400, 2, "2000-02-29T00:00:00Z"),
            (1_800_000_000, 2, "2027-01-15T08:00:00Z"),
            (1_800_000_000, 0, "2027-01-15T09:00:00+01:00"),
            (1_800_000_000, 1, "2027-01-15T04:30:00-03:30"),
            (4_107_542_399, 2, "2100-02-28T23:59:59Z"),
            (4_107_542_400, 2, "2100-03-01T00:00:00Z"),
        ];
        for (secs, offset, want) in cases {
            assert_eq!(rfc3339(secs, offset), want);
        }
    }
}
