//! The tests of the coin search on the processors that this machine does not have, under emulation.

use std::{fs, io::Write, process::Stdio};

use anyhow::{Context, Result, ensure};
use e2e::{engine::Engine, images};

use crate::{PLATFORMS, TAG, container::Container};

/// What follows the Rust toolchain of the images: the tests instead of the programs. They are compiled as
/// `cargo test` does it, which optimizes the search.
const TESTS: &str = r#"COPY . .
RUN --mount=type=cache,target=/usr/local/cargo/registry,sharing=locked \
    --mount=type=cache,target=/src/target,id=swarmyard-tests-target,sharing=locked <<EOF
    set -eu
    target=$(cat /target)
    find . -path ./target -prune -o -type f -exec touch {} +
    cargo test --locked --target "$target" --package devcoin --lib --no-run
    cp "$(find "target/$target/debug/deps" -name 'devcoin-*' -type f -perm -u+x -printf '%T@ %p\n' | sort -n | tail -1 | cut -d' ' -f2)" /tests
EOF
FROM scratch
COPY --from=build /tests /tests
ENTRYPOINT ["/tests"]
"#;

#[test]
fn every_way_of_the_search_finds_the_same_on_every_platform() -> Result<()> {
    let dockerfile = fs::read_to_string(images::root().join("Dockerfile.miner"))?;
    let (toolchain, _) = dockerfile.split_once("COPY . .").context("the sources come after the toolchain")?;
    // This machine's own platform is what `cargo test` tests.
    for platform in &PLATFORMS[1..] {
        let image = format!("search-tests:{TAG}-{}", platform.replace('/', "-"));
        build(&format!("{toolchain}{TESTS}"), platform, &image)?;
        let container = Container(Engine::local().docker(&["create", "--platform", platform, &image, "search"])?);
        let output = Engine::local().command().args(["start", "--attach", &container.0]).output()?;
        let report = String::from_utf8_lossy(&output.stdout);
        println!("{platform}:{}", report.trim_end());
        let errors = String::from_utf8_lossy(&output.stderr);
        ensure!(output.status.success() && !report.contains(" 0 passed"), "{platform}:\n{report}\n{errors}");
    }
    Ok(())
}

fn build(dockerfile: &str, platform: &str, image: &str) -> Result<()> {
    let mut build = Engine::local().command();
    build.args([
        "buildx",
        "build",
        "--progress=plain",
        "--load",
        "--platform",
        platform,
        "--tag",
        image,
        "--file=-",
        ".",
    ]);
    let mut build =
        build.current_dir(images::root()).stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped()).spawn()?;
    build.stdin.take().context("its input is ours")?.write_all(dockerfile.as_bytes())?;
    let output = build.wait_with_output()?;
    ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    Ok(())
}
