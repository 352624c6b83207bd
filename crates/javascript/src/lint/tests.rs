//! One script for each thing that is refused, and what must pass.

use super::{Forbidden, Rules, check};

fn findings(source: &str) -> Vec<Forbidden> {
    match check(source, &Rules::CLOUDFRONT) {
        Ok(()) => Vec::new(),
        Err(findings) => findings.into_iter().map(|finding| finding.what).collect(),
    }
}

macro_rules! refused {
    ($($name:ident: $what:ident, $source:literal;)*) => {
        $(
            #[test]
            fn $name() {
                assert_eq!(findings($source), [Forbidden::$what], "{}", $source);
            }
        )*
    };
}

refused! {
    syntax: Syntax, "function f( {";
    class: Class, "class A {}";
    destructuring_a_declaration: Destructuring, "function f(o) { var { a } = o; return a; }";
    destructuring_an_array: Destructuring, "function f(o) { var [a] = o; return a; }";
    destructuring_a_parameter: Destructuring, "function f({ a }) { return a; }";
    destructuring_an_assignment: Destructuring, "function f(a, o) { [a] = o; }";
    spread_in_a_call: Spread, "function f(a) { return f(...a); }";
    spread_in_an_array: Spread, "function f(a) { return [...a]; }";
    rest_parameter: Spread, "function f(...a) { return a; }";
    for_of: ForOf, "function f(a) { for (var b of a) { f(b); } }";
    default_parameter: DefaultParameter, "function f(a = 1) { return a; }";
    optional_chaining: OptionalChaining, "function f(a) { return a?.b; }";
    coalescing: Coalescing, "function f(a) { return a ?? 1; }";
    logical_assignment: LogicalAssignment, "function f(a) { a ||= 1; return a; }";
    big_int_literal: BigInt, "function f() { return 1n; }";
    big_int: Name, "function f() { return BigInt(1); }";
    map: Name, "function f() { return new Map(); }";
    set: Name, "function f() { return new Set(); }";
    generator: Generator, "function* f() {}";
    regex_flag_u: RegexFlag, "function f(a) { return /a/u.test(a); }";
    regex_flag_y: RegexFlag, "function f(a) { return /a/y.test(a); }";
    await_in_arguments: AwaitInArguments, "async function f(a) { f(await a); }";
    catch_without_name: CatchWithoutName, "function f(a) { try { f(a); } catch { f(1); } }";
    async_method: Method, "var o = { async m() {} };";
    method: Method, "var o = { m() {} };";
    shorthand: Method, "var a = 1; var o = { a };";
    computed_key: Method, "var a = 1; var o = { [a]: 1 };";
    async_arrow: AsyncClosure, "var f = async () => 1;";
    async_closure: AsyncClosure, "function f() { return async function () { return 1; }; }";
    subtle: Subtle, "import crypto from 'crypto'; function f() { return crypto.subtle; }";
    subtle_in_brackets: Subtle, "import crypto from 'crypto'; function f() { return crypto['subtle']; }";
    fs: Module, "import fs from 'fs'; function f() { return fs; }";
    dynamic_import: Module, "function f() { return import('crypto'); }";
    require: Name, "function f() { return require('crypto'); }";
    export: Export, "function f() {} export { f };";
    eval: Name, "function f(a) { return eval(a); }";
    new_function: Name, "function f(a) { return Function(a)(); }";
    timers: Name, "function f(a) { setTimeout(a, 1); }";
    fetch: Name, "function f(a) { return fetch(a); }";
    process: Name, "function f() { return process.env; }";
    template: Other, "function f(a) { return `${a}`; }";
    label: Other, "function f() { a: for (;;) { break; } }";
    debugger: Other, "function f() { debugger; }";
    meta: Other, "function f() { return import.meta; }";
}

#[test]
fn the_subset_passes() {
    for source in [
        "import cf from 'cloudfront'; async function handler(event) { var store = cf.kvs(), value;\
         value = await store.get('k'); return value; }",
        "function f(a, b) { for (var i = 0; i < a.length; i++) { if (a[i] === b) { return -i; } } return { a: 1, 'b': /x/gi }; }",
        "function f(a) { try { return a.map(function (b) { return b + 1; }); } catch (e) { throw e; } }",
        "function f(a) { switch (a) { case 1: return 2; } do { a--; } while (a > 0); return typeof a; }",
        "function f(a) { return a.map((b) => b + 1).filter((b) => ({ c: b })); }",
        // `await` inside a function among the arguments would be accepted, but only `async` functions can have it.
        "async function f(a) { var b = await a; return [b].some(function (c) { return c; }); }",
    ] {
        assert_eq!(findings(source), [], "{source}");
    }
}

#[test]
fn edgeworkers_have_webcrypto_and_exports() {
    let source =
        "import { crypto } from 'crypto'; function f() { return crypto.subtle; } export { f };";
    assert_eq!(check(source, &Rules::EDGEWORKERS), Ok(()));
    assert!(check("import cf from 'cloudfront';", &Rules::EDGEWORKERS).is_err());
}
