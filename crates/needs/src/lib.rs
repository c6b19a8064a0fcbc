//! For tests: [`macro@needs`], by which a test is ignored where a program that it starts is missing.

use proc_macro::{TokenStream, TokenTree};

/// The programs that tests may need, each with what to install if it is missing; made by `build.rs`.
const PROGRAMS: &[(&str, Option<&str>)] = include!(concat!(env!("OUT_DIR"), "/programs.rs"));

/// Stands above `#[test]` and names the programs that the test starts. Where one is missing, `cargo test` shows
/// the test as `ignored, needs NAME`; once it is installed, the test runs.
///
/// ```ignore
/// #[testing::needs("redis-server")]
/// #[test]
/// fn coins_survive_a_restart_of_redis() {}
/// ```
#[proc_macro_attribute]
pub fn needs(programs: TokenStream, test: TokenStream) -> TokenStream {
    let ignore = if is_test(&test) {
        ignore(programs)
    } else {
        Err("#[needs] stands above #[test]: below it, it comes too late".to_owned())
    };
    let mut attribute = match ignore {
        Ok(lacking) if lacking.is_empty() => TokenStream::new(),
        Ok(lacking) => parse(&format!("#[ignore = {:?}]", format!("needs {}", lacking.join(", ")))),
        Err(problem) => parse(&format!("compile_error! {{ {problem:?} }}")),
    };
    attribute.extend(test);
    attribute
}

/// What to install of these programs.
fn ignore(programs: TokenStream) -> Result<Vec<&'static str>, String> {
    let names = programs.into_iter().filter(|token| !matches!(token, TokenTree::Punct(_)));
    let find = |name: TokenTree| {
        let name = name.to_string();
        let found = PROGRAMS.iter().find(|(program, _)| format!("{program:?}") == name);
        found.map(|(_, lacking)| *lacking).ok_or_else(|| format!("crates/needs/build.rs knows no program {name}"))
    };
    Ok(names.map(find).collect::<Result<Vec<_>, _>>()?.into_iter().flatten().collect())
}

/// Whether `#[test]`, `#[tokio::test]` or the like is still to come.
fn is_test(test: &TokenStream) -> bool {
    let tokens: Vec<_> = test.clone().into_iter().collect();
    tokens.windows(2).any(|pair| match pair {
        [TokenTree::Punct(sign), TokenTree::Group(attribute)] if sign.as_char() == '#' => {
            attribute.stream().into_iter().any(|token| token.to_string() == "test")
        }
        _ => false,
    })
}

#[allow(clippy::unwrap_used, reason = "the texts above are Rust, whatever the string in them")]
fn parse(text: &str) -> TokenStream {
    text.parse().unwrap()
}
