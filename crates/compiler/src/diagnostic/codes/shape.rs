//! TG01xx: files, TOML, and keys.

super::declare_codes! {
    NOT_TOML, "TG0101", Error, "not valid TOML",
    "The file violates the grammar of TOML here. Strings need quotes, lists need commas, a table needs \
     `[name]`, an element of a list of tables `[[name]]`. The rest of the file is still checked as far as it \
     can be read.";
    UNKNOWN_KEY, "TG0102", Error, "unknown key",
    "The key has no meaning here. Unknown keys are rejected rather than ignored, because an ignored `unless` \
     or `networks` would allow what it was meant to deny.";
    MISSING_KEY, "TG0103", Error, "missing key",
    "The table cannot be understood without this key.";
    WRONG_TYPE, "TG0104", Error, "wrong type",
    "The key is known, but its value has the wrong TOML type. A list of one entry is still a list: `allow = \
     [\"/**\"]`.";
    BAD_CHOICE, "TG0105", Error, "not one of the choices",
    "The key accepts one of a few fixed words; this is not one of them.";
    OUT_OF_RANGE, "TG0106", Error, "number out of range",
    "The number is smaller or greater than the key allows.";
    EMPTY, "TG0107", Error, "empty value",
    "An empty list or string here could be read as everything or as nothing. Write what is meant, or remove \
     the key.";
    EXCLUSIVE_KEYS, "TG0108", Error, "keys that exclude each other",
    "Exactly one of these keys is required. A rule has either `allow` or `deny`; an issuer is either `cognito` \
     or `issuer`; a response is either a `status` or a `redirect`.";
    SCHEMA_VERSION, "TG0109", Error, "unknown schema version",
    "`schema` is the version of the policy language that the folder uses. This compiler supports version 1.";
    NO_SITE_FILE, "TG0110", Error, "site.toml is missing",
    "A policy folder holds `site.toml`, with at least `schema = 1` and a `[site]` table, and the folder \
     `courses`.";
    UNREADABLE, "TG0111", Error, "cannot be read",
    "The file or folder exists but could not be read: no permission, not a regular file, or an error of the \
     disk.";
    NOT_TEXT, "TG0112", Error, "not UTF-8 text",
    "Policy files and key files are UTF-8 text. Save the file as UTF-8.";
    SUBFOLDER, "TG0113", Error, "a folder inside courses",
    "Files in subfolders of `courses` would not be read, and a `deny` that is not read protects \
     nothing. Move the files up into `courses`.";
    OUTSIDE, "TG0114", Error, "leads out of the policy folder",
    "All parts of a policy are in its folder, so that the folder can be reviewed and moved as a whole. Paths \
     with `..`, absolute paths, and symbolic links that are absolute or lead out are rejected. A git revision \
     is read by the same rules.";
    STRAY_FILE, "TG0115", Error, "TOML file that is not read",
    "Rules are read from `site.toml` and `courses/*.toml`, and tests from the `.test.toml` files next to \
     them. A TOML file anywhere else in the policy folder looks like policy and protects nothing. Move a \
     course file into `courses`, and any other TOML file out of the policy folder. Files that are not \
     TOML, such as `README.md`, and hidden ones, whose names start with a dot, may be anywhere.";
    NO_COURSES, "TG0116", Error, "`courses` is missing",
    "Course files are read from the folder `courses` and from nowhere else. If it was renamed or lost, so \
     are the rules in it. For a site without courses it is empty; git keeps an empty folder with a file \
     such as `courses/.gitkeep`.";
    ORPHAN_TESTS, "TG0117", Error, "tests without a policy file",
    "The tests of `courses/x.toml` are in `courses/x.test.toml`, and those of `site.toml` in `site.test.toml`. \
     If the policy file is missing, it was probably renamed or removed, or the name of the test file is \
     misspelled.";
    LOOKALIKE, "TG0118", Error, "invisible or look-alike character",
    "Groups, scopes, subjects, claims and clients are compared byte for byte with what tokens contain. A name \
     with a character that cannot be seen, or with letters of two scripts in one word such as a Cyrillic `а` \
     among Latin letters, looks like another name but is a different one.";
}
