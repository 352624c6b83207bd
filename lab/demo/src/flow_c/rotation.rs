//! A rotation of the session key that signs nobody out: the restricted edge receives the new key, then the
//! full edge signs with it. After the old key is removed, old sessions are replaced by new ones from the
//! same sign-in.

use std::path::Path;

use anyhow::Result;

use super::super::report::{Report, Want};
use super::site::{FIRST, SECOND, Site};
use super::small::{self, Small};
use super::{Big, LESSON, LESSON_FILE, Session, cookie};
use xtask::ui;

/// The initial state.
pub(super) struct Before<'a> {
    pub(super) site: Site,
    /// The build that the restricted edge runs.
    pub(super) built: &'a Path,
    pub(super) big: Big,
    /// A sign-in token, and its session.
    pub(super) token: &'a str,
    pub(super) old: &'a Session,
}

/// Runs all steps.
pub(super) fn run(report: &mut Report, small: &Small, before: Before<'_>) -> Result<()> {
    let Before {
        site,
        built,
        big,
        token,
        old,
    } = before;
    let old_cookie = [cookie(&old.token)];
    site.sign_with(&[SECOND, FIRST])?;
    let both = ui::in_step("build with both keys", |step| {
        site.function("both-keys", step)
    })?;
    let what = "a new session key is added to the store";
    replace(report, small, what, [built, &both], &old.token)?;
    let what = "… an old session stays valid";
    small.ask(report, what, LESSON, &old_cookie, &Want::file(LESSON_FILE))?;
    let what = "the full edge still signs with the old key";
    let early = big.minted(report, what, token, &[])?;
    signed_by(report, &early, FIRST);

    drop(big);
    let big = ui::in_step("start the full edge with both keys", |step| {
        Big::start(&site, step)
    })?;
    let what = "the full edge receives it and signs with it";
    let new = big.minted(report, what, token, &[])?;
    signed_by(report, &new, SECOND);
    for (what, session) in [
        ("a new session", &new),
        ("… and an old one stays valid", old),
    ] {
        let own = [cookie(&session.token)];
        small.ask(report, what, LESSON, &own, &Want::file(LESSON_FILE))?;
    }

    site.sign_with(&[SECOND])?;
    let one = ui::in_step("build without the old key", |step| {
        site.function("new-key", step)
    })?;
    let what = "the old key is removed from the store";
    replace(report, small, what, [&both, &one], &new.token)?;
    let what = "… an old session is rejected";
    let unknown = Want::denied(401, "bad_token/unknown_key");
    small.ask(report, what, LESSON, &old_cookie, &unknown)?;
    // A browser sends its old cookie as well.
    let what = "… the same sign-in gives a new one";
    let next = big.minted(report, what, token, &old_cookie)?;
    signed_by(report, &next, SECOND);
    let own = [cookie(&next.token)];
    let what = "… and its user was never signed out";
    small.ask(report, what, LESSON, &own, &Want::file(LESSON_FILE))
}

/// Reports the key that signed a session.
fn signed_by(report: &mut Report, session: &Session, wanted: &str) {
    let kid = session.header("kid");
    report.say(
        "… which names its key",
        "",
        0,
        &format!("kid {kid}"),
        kid == wanted,
    );
}

/// Replaces the running build with another, one update after another, and removes the previous one. A session
/// that both accept is checked before and after every update.
fn replace(
    report: &mut Report,
    small: &Small,
    what: &str,
    [old, new]: [&Path; 2],
    session: &str,
) -> Result<()> {
    let same = small.runs(new)?;
    let mut updates = small::updates(new)?;
    updates.extend(small::retirements(old)?);
    let mut open = usize::from(small.status(session)? == 200);
    for update in &updates {
        small.update(update)?;
        open += usize::from(small.status(session)? == 200);
    }
    let asked = updates.len() + 1;
    let function = if same {
        "the same function"
    } else {
        "another function"
    };
    let note = format!(
        "{} updates, {function}; open {open} of {asked} times",
        updates.len()
    );
    report.say(what, LESSON, 200, &note, same && open == asked);
    Ok(())
}
