//! TG01xx: files, TOML, and which keys stand where.

super::declare_codes! {
    NOT_TOML, "TG0101", Error, "not valid TOML",
    "The file breaks the grammar of TOML at this place. Text needs quotes, lists need commas, a table \
     needs `[name]`, an element of a list of tables `[[name]]`. The rest of the file is still checked \
     as far as it can be read.";
    UNKNOWN_KEY, "TG0102", Error, "unknown key",
    "The key means nothing here. Keys are refused rather than ignored, because an ignored `unless` or \
     `networks` would open what it was meant to close.";
    MISSING_KEY, "TG0103", Error, "missing key",
    "The table cannot be understood without this key.";
    WRONG_TYPE, "TG0104", Error, "wrong type",
    "The key is known, but its value is of another TOML type than it has to be. A list of one entry is \
     still a list: `allow = [\"/**\"]`.";
    BAD_CHOICE, "TG0105", Error, "not one of the choices",
    "The key takes one of a few fixed words, and this is none of them.";
    OUT_OF_RANGE, "TG0106", Error, "number out of range",
    "The number is smaller or greater than the key allows.";
    EMPTY, "TG0107", Error, "empty value",
    "An empty list or text here could be read as everything or as nothing. Write what is meant, or \
     leave the key out.";
    EXCLUSIVE_KEYS, "TG0108", Error, "keys that exclude each other",
    "Of these keys exactly one must stand in the table. A rule has either `allow` or `deny`; an issuer \
     is either `cognito` or `issuer`; an answer is either a `status` or a `redirect`.";
    SCHEMA_VERSION, "TG0109", Error, "unknown schema version",
    "`schema` says which version of the policy language the folder is written in. This compiler knows \
     version 1.";
    NO_SITE_FILE, "TG0110", Error, "site.toml is missing",
    "A policy folder holds `site.toml`, with at least `schema = 1` and a `[site]` table, and the folder \
     `courses`.";
    UNREADABLE, "TG0111", Error, "cannot be read",
    "The file or folder is there but could not be read: no permission, not a regular file, or an error \
     of the disk.";
    NOT_TEXT, "TG0112", Error, "not UTF-8 text",
    "Policy files and key files are UTF-8 text. Save the file as UTF-8.";
    SUBFOLDER, "TG0113", Error, "a folder inside courses",
    "Files in subfolders of `courses` would not be read, and a `deny` that is not read protects \
     nothing. Move the files up into `courses`.";
    OUTSIDE, "TG0114", Error, "leads out of the policy folder",
    "Everything that a policy is made of lies in its folder, so that the folder can be reviewed and \
     moved as a whole. Paths with `..`, absolute paths, and symbolic links that are absolute or lead out \
     are refused. A git revision is read by the same rules.";
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
    "The tests of `courses/x.toml` are in `courses/x.test.toml`, and those of `site.toml` in \
     `site.test.toml`. A test file next to no policy file was probably left behind when that was renamed \
     or removed, or its name is misspelled.";
    LOOKALIKE, "TG0118", Error, "invisible or look-alike character",
    "Groups, scopes, subjects, claims and clients are compared byte for byte with what tokens contain. A name \
     with a character that cannot be seen, or with letters of two scripts in one word such as a Cyrillic `а` \
     among Latin letters, looks like another name and is not it.";
}
