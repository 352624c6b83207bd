//! A hostile string in every position that a command prints: the output shows all its characters, and it never controls
//! a terminal.

#![allow(
    clippy::unwrap_used,
    reason = "a test that panics has failed, also in its helpers"
)]
#![cfg(unix)]

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::Command;

use tempfile::TempDir;
use tollgate_policy::visible::is_visible;

/// Text that reorders, hides, and controls a terminal, and gives commands to a CI runner.
const HOSTILE: &str = "x\u{202e}ffats\u{2066}\u{200b}\u{feff}\u{e0041}\u{1b}[31;5;7mred\u{1b}]8;;a\u{7}\u{85}<img>`|\n\
                       ::error::red ##[error]red";

/// The part of the string that is valid in a file name.
const HOSTILE_NAME: &str =
    "x\u{202e}ffats\u{2066}\u{200b}\u{1b}[31;5;7mred\n::error::red ##[error]red";

/// The string as a literal of TOML, JSON and CEL.
fn quoted() -> String {
    let escaped: String = HOSTILE
        .encode_utf16()
        .map(|unit| match u8::try_from(unit) {
            Ok(byte) if byte.is_ascii_graphic() => char::from(byte).to_string(),
            _ => format!("\\u{unit:04X}"),
        })
        .collect();
    // TOML and CEL write characters beyond U+FFFF with eight digits.
    format!("\"{}\"", escaped.replace("\\uDB40\\uDC41", "\\U000E0041"))
}

fn write(at: &Path, text: &str) {
    let folder = at.parent().unwrap();
    fs::create_dir_all(folder).unwrap();
    if at.ends_with("site.toml") {
        fs::create_dir_all(folder.join("courses")).unwrap();
    }
    fs::write(at, text).unwrap();
}

const HEAD: &str = "schema = 1\n[site]\nname = \"x\"\n[claims]\nlevel = \"string\"\n";

/// Writes policies that contain the hostile string in every free text.
fn policies(at: &Path) {
    let text = quoted();
    let rule = |level: &str| {
        format!(
            "[[rule]]\nid = \"a\"\nallow = [\"/a/**\", \"/日本/**\"]\nanyone = true\nbecause = {text}\n\
             [[rule]]\nid = \"level\"\ndeny = [\"/a/**\"]\nbecause = {text}\nunless = '''claims.level {level} {text}'''\n"
        )
    };
    write(&at.join("old/site.toml"), &format!("{HEAD}{}", rule("==")));
    write(&at.join("new/site.toml"), &format!("{HEAD}{}", rule("<=")));
    let test = |expect: &str| {
        format!(
            "now = 2027-01-15T08:00:00Z\n[people.ann]\nclaims = {{ sub = {text}, level = {text} }}\n\
             [[test]]\nname = {text}\nwho = \"ann\"\nget = \"/a/x\"\nexpect = \"{expect}\"\n"
        )
    };
    write(&at.join("old/site.test.toml"), &test("forbidden"));
    write(&at.join("new/site.test.toml"), &test("allow"));
    // Invalid values are printed in diagnostics.
    let bad = format!(
        "{HEAD}{text} = {text}\n[{text}]\nx = 1\n[[issuer]]\nname = {text}\nissuer = {text}\nclients = [{text}]\n\
         jwks = {text}\n[token]\nfrom = [{text}]\n[deny]\nforbidden = {{ redirect = {text} }}\n\
         [[rule]]\nid = {text}\nallow = [{text}, \"/{{a}}/**\"]\ngroups = [{text}, \"course-{{x}}\"]\nscopes = [{text}]\n\
         subjects = [{text}]\nmethods = [{text}]\nnetworks = [{text}]\nwhen = '''claims[{text}] == nothing.{text}'''\n"
    );
    write(&at.join("bad/site.toml"), &bad);
    // The excerpts of diagnostics show lines as they are.
    let raw: String = HOSTILE.chars().filter(|c| !c.is_control()).collect();
    let bad = format!(
        "course = \"{raw}\"\nbase = '{raw}'\n{raw}\n# {raw}\n[[rule]]\nid = '{raw}'\nallow = ['{raw}'] # {raw}\n"
    );
    write(&at.join("raw/courses/c.toml"), &bad);
    write(
        &at.join("raw/site.toml"),
        &format!("{HEAD}[[rule]]\nid = \"a\"\ndeny = ['/{raw}'] # {raw}\nwhen = 'x.{raw}'\n"),
    );
    write(
        &at.join("badtest/site.toml"),
        &format!("{HEAD}{}", rule("==")),
    );
    let bad = format!(
        "[[test]]\nname = {text}\nwho = {text}\nget = {text}\nexpect = {text}\n{text} = 1\n"
    );
    write(&at.join("badtest/site.test.toml"), &bad);
    for name in [
        format!("{HOSTILE_NAME}.toml"),
        format!("{HOSTILE_NAME}.txt"),
        format!("{HOSTILE_NAME}/x.toml"),
    ] {
        write(&at.join("names/courses").join(name), "course = 1\n");
    }
    write(&at.join("names/site.toml"), HEAD);
    let json = text.replace("\\U000E0041", "\\uDB40\\uDC41");
    let oathkeeper = format!(
        "[{{\"id\":{json},\"match\":{{\"url\":\"https://a.example/\\u202eb<.*>\",\"methods\":[{json}]}},\
         \"authenticators\":[{{\"handler\":{json}}}],\"authorizer\":{{\"handler\":{json}}}}},\
         {{\"id\":{json},\"match\":{{\"url\":{json},\"methods\":[\"GET\"]}},\
         \"authenticators\":[{{\"handler\":\"anonymous\"}}],\"authorizer\":{{\"handler\":\"allow\"}}}}]"
    );
    write(&at.join("oathkeeper.json"), &oathkeeper);
    write(&at.join(HOSTILE_NAME), "not an image");
}

/// The invisible characters of a text, except for line ends, tabs and our own colours.
fn unseen(text: &str) -> BTreeSet<char> {
    // Any other escape sequence is not ours.
    let ours = [
        "\u{1b}[0m",
        "\u{1b}[1m",
        "\u{1b}[2m",
        "\u{1b}[4m",
        "\u{1b}[31m",
        "\u{1b}[32m",
        "\u{1b}[33m",
    ];
    let bright = (90..98).map(|colour| format!("\u{1b}[{colour}m"));
    let wide = ["\u{1b}[38;5;9m".to_owned(), "\u{1b}[38;5;12m".to_owned()];
    let mut text = text.to_owned();
    for colour in ours
        .iter()
        .map(|colour| (*colour).to_owned())
        .chain(bright)
        .chain(wide)
    {
        text = text.replace(&colour, "");
    }
    text.chars()
        .filter(|c| !is_visible(*c) && *c != '\n' && *c != '\t')
        .collect()
}

/// Whether GitHub's runner finds a command in a line: at its start, after spaces and colours, or anywhere.
fn is_command(line: &str) -> bool {
    let mut rest = line.trim_start();
    while let Some((_, after)) = rest
        .strip_prefix("\u{1b}[")
        .and_then(|rest| rest.split_once('m'))
    {
        rest = after.trim_start();
    }
    rest.starts_with("::") || line.contains("##[")
}

/// Whether a text contains the hostile string, escaped in one of our ways or in TOML's.
fn shows(text: &str) -> bool {
    let lower = text.to_lowercase();
    ["\\u{202e}", "\\u202e", "<u+202e>"]
        .iter()
        .any(|escape| lower.contains(escape))
}

#[test]
fn printed_text_never_controls_a_terminal() {
    let folder = TempDir::new().unwrap();
    let at = folder.path();
    policies(at);
    let claims = format!(
        "{{\"sub\":{0},\"level\":{0},{0}:{0}}}",
        quoted().replace("\\U000E0041", "\\uDB40\\uDC41")
    );
    let (h, name, claims) = (HOSTILE, HOSTILE_NAME, claims.as_str());
    // The flag: whether the output must contain the string.
    let cases: &[(&[&str], bool)] = &[
        (&["check", "old"], false),
        (&["check", "bad"], true),
        (&["check", "raw"], true),
        (&["check", "names"], true),
        (&["check", name], true),
        (&["check", "--explain", h], true),
        (&["check", "--nothing", h], false),
        (&[h], true),
        (
            &[
                "test",
                "old",
                "--suggest",
                "--html",
                "old.html",
                "--junit",
                "old.xml",
            ],
            true,
        ),
        (
            &[
                "test",
                "new",
                "--mutate",
                "--suggest",
                "--html",
                "new.html",
                "--junit",
                "new.xml",
            ],
            true,
        ),
        (&["test", "badtest"], true),
        (&["test", "names"], true),
        (&["test", "old", "--filter", h], false),
        (&["decide", "old", "--target", "/a/x"], false),
        (&["decide", "old", "--target", h], false),
        (
            &["decide", "old", "--target", "/a/x", "--claims", claims],
            true,
        ),
        (
            &[
                "decide", "old", "--target", "/a/x", "--claims", claims, "--method", h,
            ],
            false,
        ),
        (&["decide", "old", "--target", "/a/x", "--claims", h], true),
        (&["decide", "old", "--target", "/a/x", "--header", h], true),
        (&["decide", "old", "--target", "/a/x", "--ip", h], true),
        (&["decide", name, "--target", "/a/x"], true),
        (&["explain", "old", "--target", "/a/x"], true),
        (
            &[
                "explain", "old", "--target", "/a/x", "--claims", claims, "--method", h,
            ],
            true,
        ),
        (&["explain", "old", "--target", h], false),
        (&["explain", "old", "--target", "/a/x", "--claims", h], true),
        (&["who", "old", "/a/x"], true),
        (&["who", "old", h], true),
        (&["reach", "old", "--groups", h, "--method", h], false),
        (&["reach", "old", "--claims", claims], false),
        (&["diff", "old", "new"], true),
        (&["diff", "old", "new", "--markdown"], true),
        (&["diff", "new", "old", "--markdown"], true),
        (&["diff", "old", "bad"], true),
        (&["diff", name, "old"], true),
        (&["diff", "old", &format!("{h}:{h}")], true),
        (&["diff", &format!("{h}..{h}"), "old"], true),
        (&["diff", h], true),
        (
            &[
                "import",
                "oathkeeper",
                "oathkeeper.json",
                "-o",
                "imported-COLOUR",
            ],
            true,
        ),
        (
            &[
                "import",
                "snippet",
                "--user-pool",
                h,
                "--client",
                h,
                "--group",
                h,
                "-o",
                name,
            ],
            false,
        ),
        (
            &["export", "--cedar", "old", "-o", &format!("{name}.cedar")],
            false,
        ),
        (&["build", "old", "-o", &format!("{name}.tgi")], true),
        (&["build", "old", "--target", h], true),
        (&["inspect", &format!("{name}.tgi")], false),
        (&["inspect", name], true),
        (&["fmt", "names", "--check"], false),
        (&["fmt", "old"], false),
        (
            &["verify", "--jwks", name, "--issuer", h, "--client", h, h],
            true,
        ),
        (&["token", "mint", "--key", name, "--claim", h], true),
        (
            &["keygen", "--key-id", h, "-o", &format!("{name}.pem")],
            false,
        ),
        (&["serve", "--policy", name, "--root", name], true),
    ];
    let mut problems = Vec::new();
    for (arguments, is_shown) in cases {
        for colour in ["0", "1"] {
            let mut command = Command::new(env!("CARGO_BIN_EXE_tollgate"));
            let output = command
                .args(
                    arguments
                        .iter()
                        .map(|argument| argument.replace("COLOUR", colour)),
                )
                .current_dir(at)
                .env("CLICOLOR_FORCE", colour)
                .env("GIT_CEILING_DIRECTORIES", at.parent().unwrap())
                .output()
                .unwrap();
            let output = [output.stdout, output.stderr].concat();
            let text = String::from_utf8_lossy(&output);
            let unseen = unseen(&text);
            if !unseen.is_empty() {
                problems.push(format!("{arguments:?} shows {unseen:?}: {text:?}"));
            }
            for line in text.lines().filter(|line| is_command(line)) {
                problems.push(format!(
                    "{arguments:?} prints a command of a runner: {line}"
                ));
            }
            if *is_shown && !shows(&text) {
                problems.push(format!("{arguments:?} does not show it: {text}"));
            }
        }
    }
    assert!(problems.is_empty(), "{}", problems.join("\n\n"));
    for file in ["old.html", "new.html", "old.xml", "new.xml"] {
        let text = fs::read_to_string(at.join(file)).unwrap();
        assert_eq!(unseen(&text), BTreeSet::new(), "{file}");
        assert!(!text.contains("<img>"), "{file}");
        assert!(shows(&text), "{file}");
    }
}
