//! Patterns with `*` for one segment of a path, or for a name.
//!
//! Not here: whole paths. Time is at most the product of both lengths; a pattern has few stars.

/// The wildcard: any run of bytes, including none.
pub const STAR: u8 = b'*';

/// Whether `text` is `pattern` with every `*` replaced by some run of bytes.
pub fn matches(pattern: &[u8], text: &[u8]) -> bool {
    let (mut p, mut t) = (0, 0);
    // Where to continue if the text of the latest star was too short.
    let mut retry: Option<(usize, usize)> = None;
    loop {
        match (pattern.get(p), text.get(t)) {
            (Some(&STAR), _) => {
                p += 1;
                retry = Some((p, t));
            }
            (Some(want), Some(got)) if want == got => {
                p += 1;
                t += 1;
            }
            (None, None) => return true,
            _ => match retry {
                Some((after_star, from)) if from < text.len() => {
                    p = after_star;
                    t = from + 1;
                    retry = Some((p, t));
                }
                _ => return false,
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::matches;

    #[test]
    fn table() {
        let cases: &[(&str, &str, bool)] = &[
            ("*", "", true),
            ("*", "abc", true),
            ("a*", "a", true),
            ("a*", "ba", false),
            ("*.pdf", "x.pdf", true),
            ("*.pdf", ".pdf", true),
            ("*.pdf", "x.pdf.exe", false),
            ("*.pdf", "a.pdf.pdf", true),
            ("a*b*c", "abc", true),
            ("a*b*c", "axxbyybzzc", true),
            ("a*b*c", "axxcyyb", false),
            ("**", "x", true),
            ("week-*-*", "week-1-2", true),
            ("week-*-*", "week-12", false),
            ("", "", true),
            ("", "a", false),
        ];
        for (pattern, text, want) in cases {
            assert_eq!(
                matches(pattern.as_bytes(), text.as_bytes()),
                *want,
                "{pattern} on {text}"
            );
        }
    }
}
