//! Templates: text with placeholders such as `@NAME@`.
//!
//! Not here: which values are safe at which place of a template. Every caller passes values of types that cannot contain
//! anything else, and says so there.

/// Replaces each placeholder by its value. A line that consists of a placeholder becomes one line per line of the value,
/// with the same indentation, and disappears if the value is empty. Values are not searched for placeholders.
pub(crate) fn fill(template: &str, values: &[(&str, &str)]) -> String {
    let mut text = String::with_capacity(template.len() * 2);
    for line in template.lines() {
        let inner = line.trim_start();
        let indent = line.strip_suffix(inner).unwrap_or_default();
        match value_of(inner, values) {
            Some(value) => {
                for new in value.lines() {
                    if !new.is_empty() {
                        text.push_str(indent);
                        text.push_str(new);
                    }
                    text.push('\n');
                }
            }
            None => {
                push_filled(&mut text, line, values);
                text.push('\n');
            }
        }
    }
    text
}

/// The value of a placeholder, if the text is one.
fn value_of<'a>(text: &str, values: &[(&str, &'a str)]) -> Option<&'a str> {
    let name = text.strip_prefix('@')?.strip_suffix('@')?;
    let found = values.iter().find(|(known, _)| *known == name);
    found.map(|(_, value)| *value)
}

fn push_filled(text: &mut String, line: &str, values: &[(&str, &str)]) {
    let mut rest = line;
    loop {
        let first = values
            .iter()
            .filter_map(|(name, value)| {
                let placeholder = format!("@{name}@");
                let (before, after) = rest.split_once(placeholder.as_str())?;
                Some((before, *value, after))
            })
            .min_by_key(|(before, ..)| before.len());
        let Some((before, value, after)) = first else {
            text.push_str(rest);
            return;
        };
        text.push_str(before);
        text.push_str(value);
        rest = after;
    }
}

#[cfg(test)]
mod tests {
    use super::fill;

    #[test]
    fn placeholders_are_replaced_once() {
        let values = [
            ("A", "1"),
            ("B", "@A@"),
            ("LINES", "x\n\n  y"),
            ("NONE", ""),
        ];
        let template = "a @A@ @B@ @A@\n  @LINES@\n  @NONE@\n@C@ @d\n";
        assert_eq!(fill(template, &values), "a 1 @A@ 1\n  x\n\n    y\n@C@ @d\n");
    }
}
