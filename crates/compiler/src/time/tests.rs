use super::*;

#[test]
fn moments() {
    let cases: &[(&str, Result<i64, TimeError>)] = &[
        ("1970-01-01T00:00:00Z", Ok(0)),
        ("2027-02-01T00:00:00Z", Ok(1_801_440_000)),
        ("2027-02-01T01:00:00+01:00", Ok(1_801_440_000)),
        ("2024-02-29T23:59:59Z", Ok(1_709_251_199)),
        ("2000-03-01T00:00:00-05:30", Ok(951_888_600)),
        ("2027-01-15T06:30:00-05:30", Ok(1_800_014_400)),
        ("2000-02-29T23:59:59Z", Ok(951_868_799)),
        ("2100-03-01T00:00:00Z", Ok(4_107_542_400)),
        ("12:00:00", Err(TimeError::Incomplete)),
        ("1969-12-31T23:59:59Z", Ok(-1)),
        ("0001-01-01T00:00:00Z", Ok(-62_135_596_800)),
        ("9999-12-31T23:59:59Z", Ok(253_402_300_799)),
        ("2027-02-01T00:00:00.5Z", Err(TimeError::Fraction)),
        ("2027-02-01T00:00:00.0Z", Ok(1_801_440_000)),
        ("2027-02-01T00:00:00", Err(TimeError::Incomplete)),
        ("2027-02-01T00:00Z", Err(TimeError::Incomplete)),
        ("2027-02-01 00:00:00Z", Err(TimeError::Incomplete)),
        ("2027-02-01", Err(TimeError::Incomplete)),
        ("2027-02-30T00:00:00Z", Err(TimeError::Incomplete)),
        ("tomorrow", Err(TimeError::Incomplete)),
        ("", Err(TimeError::Incomplete)),
    ];
    for (text, expected) in cases {
        assert_eq!(parse_rfc3339(text), *expected, "{text}");
    }
}

#[test]
fn durations() {
    let cases: &[(&str, Option<i64>)] = &[
        ("90s", Some(90)),
        ("1h30m", Some(5_400)),
        ("-24h", Some(-86_400)),
        ("0s", Some(0)),
        ("1ms", None),
        ("1m1h", None),
        ("1.5h", None),
        ("1d", None),
        ("15", None),
        ("h", None),
        ("-", None),
        ("", None),
        ("9223372036854775807h", None),
        ("é", None),
    ];
    for (text, expected) in cases {
        assert_eq!(parse_duration(text), *expected, "{text}");
    }
}
