//! The IDs of rules and the names of issuers, from whatever names a source has.

/// Returns an ID built from a name, in lowercase letters, digits and dashes, and adds it to the
/// used ones.
pub(super) fn unused(name: &str, used: &mut Vec<String>) -> String {
    let id = slug(name);
    let id = if id.is_empty() { "rule" } else { id.as_str() };
    let mut name = id.to_owned();
    let mut count = 1;
    while used.contains(&name) {
        count += 1;
        name = format!("{id}-{count}");
    }
    used.push(name.clone());
    name
}

/// A name in lowercase letters, digits and dashes.
fn slug(name: &str) -> String {
    const LONGEST_CHARS: usize = 60;
    let mut id = String::new();
    for c in name.chars().map(|c| c.to_ascii_lowercase()) {
        if c.is_ascii_alphanumeric() {
            id.push(c);
        } else if !id.is_empty() && !id.ends_with('-') {
            id.push('-');
        }
        if id.len() >= LONGEST_CHARS {
            break;
        }
    }
    id.trim_end_matches('-').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_name_gives_an_id_of_its_own() {
        let mut used = Vec::new();
        assert_eq!(unused("Ü b!C", &mut used), "b-c");
        assert_eq!(unused("b c", &mut used), "b-c-2");
        assert_eq!(unused("…", &mut used), "rule");
        assert_eq!(unused(&"x".repeat(99), &mut used).len(), 60);
    }
}
