use super::*;

#[test]
fn networks() {
    let cases: &[(&str, Result<&str, NetworkError>)] = &[
        ("203.0.113.7", Ok("203.0.113.7/32")),
        ("203.0.113.0/24", Ok("203.0.113.0/24")),
        ("0.0.0.0/0", Ok("0.0.0.0/0")),
        ("2001:db8::/32", Ok("2001:db8::/32")),
        ("2001:db8::1", Ok("2001:db8::1/128")),
        ("::/0", Ok("::/0")),
        (
            "203.0.113.0/33",
            Err(NetworkError::PrefixTooLong { max: 32 }),
        ),
        ("::/129", Err(NetworkError::PrefixTooLong { max: 128 })),
        ("203.0.113.0/024", Err(NetworkError::Malformed)),
        ("203.0.113.0/+24", Err(NetworkError::Malformed)),
        ("203.0.113.0/", Err(NetworkError::Malformed)),
        ("203.0.113.0/256", Err(NetworkError::Malformed)),
        ("203.0.113", Err(NetworkError::Malformed)),
        ("203.0.113.010", Err(NetworkError::Malformed)),
        ("fe80::1%eth0", Err(NetworkError::Malformed)),
        ("example.com", Err(NetworkError::Malformed)),
        ("", Err(NetworkError::Malformed)),
    ];
    for (text, expected) in cases {
        assert_eq!(
            parse(text).map(display).as_deref(),
            expected.as_ref().map(|s| &**s),
            "{text}"
        );
    }
}

#[test]
fn corrected_networks() {
    let corrected = |text| match parse(text) {
        Err(NetworkError::HostBits(network) | NetworkError::Mapped(network)) => display(network),
        other => panic!("{text}: {other:?}"),
    };
    assert_eq!(corrected("203.0.113.7/24"), "203.0.113.0/24");
    assert_eq!(corrected("2001:db8::1/32"), "2001:db8::/32");
    assert_eq!(corrected("1.2.3.4/0"), "0.0.0.0/0");
    assert_eq!(corrected("::ffff:203.0.113.7"), "203.0.113.7/32");
    assert_eq!(corrected("::ffff:203.0.113.0/120"), "203.0.113.0/24");
}
