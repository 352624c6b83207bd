//! The attempts in `attempts.txt`.

use tollgate_targets::beside::Seen;

const TEXT: &str = include_str!("attempts.txt");

/// An attempt.
pub(crate) struct Attempt {
    pub(crate) name: String,
    pub(crate) bytes: Vec<u8>,
    pub(crate) must: Vec<Must>,
}

/// What must be true of the requests at the origin.
#[derive(Debug)]
pub(crate) enum Must {
    Nothing,
    Only(String),
    Reaches(String),
    No(String),
    Has(String, String),
}

impl Must {
    fn read(text: &str) -> Self {
        let (word, rest) = text.split_once(' ').unwrap_or((text, ""));
        match word {
            "nothing" => Self::Nothing,
            "only" => Self::Only(rest.to_owned()),
            "reaches" => Self::Reaches(rest.to_owned()),
            "no" => Self::No(rest.to_owned()),
            "has" => {
                let (name, value) = rest.split_once(": ").unwrap();
                Self::Has(name.to_owned(), value.to_owned())
            }
            word => panic!("unknown word `{word}`"),
        }
    }

    /// What is wrong, if anything is.
    pub(crate) fn fault(&self, seen: &[Seen]) -> Option<String> {
        let is_at = |one: &Seen, target: &str| one.target == target.as_bytes();
        let holds = match self {
            Self::Nothing => seen.is_empty(),
            Self::Only(target) => seen.iter().all(|one| is_at(one, target)),
            Self::Reaches(target) => seen.iter().any(|one| is_at(one, target)),
            Self::No(name) => seen.iter().all(|one| one.values(name).is_empty()),
            Self::Has(name, value) => seen
                .iter()
                .all(|one| one.values(name) == [value.as_bytes()]),
        };
        (!holds).then(|| format!("not true: {self:?}"))
    }
}

/// Reads all attempts.
pub(crate) fn all(token: &str) -> Vec<Attempt> {
    let mut all: Vec<Attempt> = Vec::new();
    for line in TEXT.lines() {
        let last = all.last_mut();
        if let Some(name) = line.strip_prefix("= ") {
            all.push(Attempt {
                name: name.to_owned(),
                bytes: Vec::new(),
                must: Vec::new(),
            });
        } else if let (Some(must), Some(last)) = (line.strip_prefix("! "), last) {
            last.must.push(Must::read(must));
        } else if let (false, Some(last)) = (line.starts_with('#'), all.last_mut()) {
            let line = line.replace("{token}", token).replace("\\\\", "\u{1}");
            let (line, end) = match line.strip_suffix('\\') {
                Some(line) => (line.to_owned(), ""),
                None => (line, "\r\n"),
            };
            let line = line.replace("\\n", "\n").replace("\\r", "\r");
            let line = line.replace("\\0", "\0").replace('\u{1}', "\\");
            last.bytes.extend_from_slice(line.as_bytes());
            last.bytes.extend_from_slice(end.as_bytes());
        }
    }
    all
}
