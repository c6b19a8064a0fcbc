//! Rules for the files that describe images and services; they need the `docker` command, no engine.

use std::{collections::BTreeSet, fs};

use anyhow::{Context, Result, bail, ensure};
use e2e::{
    engine::{Engine, output_of},
    images,
};

/// The images that others make.
const REDIS: &str = "redis:8-alpine";
const NGINX: &str = "nginx:1-alpine";

/// Whose program starts programs of Redis.
const ON_REDIS: &str = "Dockerfile.backup";

/// All files that a stack may be made of.
const STACK: [&str; 3] = ["--file=stack.yml", "--file=deploy/replica.yml", "--file=deploy/backup.yml"];

/// The Dockerfiles: name and text.
fn dockerfiles() -> Result<Vec<(String, String)>> {
    let mut files = Vec::new();
    for entry in fs::read_dir(images::root())? {
        let name = entry?.file_name().to_string_lossy().into_owned();
        if name.starts_with("Dockerfile.") {
            let text = fs::read_to_string(images::root().join(&name))?;
            files.push((name, text));
        }
    }
    ensure!(!files.is_empty(), "there are no Dockerfiles");
    Ok(files)
}

/// A Dockerfile's build stage and its image's stage.
fn stages(text: &str) -> Result<(&str, &str)> {
    text.split_once("\n# The image:").context("the image's stage starts with its comment")
}

#[test]
fn the_build_stage_is_the_same_text_in_every_dockerfile() -> Result<()> {
    let files = dockerfiles()?;
    let (first_name, first) = &files[0];
    for (name, text) in &files {
        ensure!(stages(text)?.0 == stages(first)?.0, "{name} and {first_name} differ in their build stage");
    }
    Ok(())
}

#[test]
fn everything_is_compiled_on_the_building_machine_and_the_image_runs_nothing() -> Result<()> {
    for (name, text) in dockerfiles()? {
        let (build, image) = stages(&text)?;
        let from =
            |text: &str| text.lines().filter(|line| line.starts_with("FROM ")).map(str::to_owned).collect::<Vec<_>>();
        ensure!(from(build).iter().all(|line| line.starts_with("FROM --platform=$BUILDPLATFORM ")), "{name}");
        let base = if name == ON_REDIS { format!("FROM {REDIS}") } else { "FROM scratch".to_owned() };
        ensure!(from(build).len() == 1 && from(image) == [base], "{name}");
        ensure!(!image.contains("\nRUN "), "{name}");
        ensure!(!text.starts_with("# syntax="), "{name}: that frontend is an image, which offline builds lack");
    }
    Ok(())
}

#[test]
fn compose_and_stack_accept_the_same_file() -> Result<()> {
    let root = images::root();
    output_of(Engine::local().command().args(["compose", "config", "--quiet"]).current_dir(&root))?;
    output_of(Engine::local().command().args(["stack", "config", "-c", "docker-compose.yml"]).current_dir(&root))?;
    Ok(())
}

#[test]
fn what_keeps_state_on_a_swarm_is_where_a_label_is_and_nothing_goes_by_role() -> Result<()> {
    for (name, service) in services(&["--file=docker-compose.yml"])? {
        let constraints = service["deploy"]["placement"]["constraints"].to_string();
        ensure!(!constraints.contains("node.role"), "{name}: another manager has another disk: {constraints}");
        let keeps = !service["volumes"].is_null();
        ensure!(!keeps || constraints.contains("node.labels."), "{name} keeps state, and may be moved: {constraints}");
    }
    Ok(())
}

/// The services as Compose understands them, from these files, or those that it finds by itself.
fn services(files: &[&str]) -> Result<serde_json::Map<String, serde_json::Value>> {
    let mut config = Engine::local().command();
    config.arg("compose").args(files).args(["config", "--format=json"]).current_dir(images::root());
    let mut config: serde_json::Value = serde_json::from_str(&output_of(&mut config)?)?;
    match config["services"].take() {
        serde_json::Value::Object(services) => Ok(services),
        other => bail!("there are no services: {other}"),
    }
}

#[test]
fn bake_builds_what_the_stack_runs() -> Result<()> {
    let root = images::root();
    let plan = output_of(Engine::local().command().args(["buildx", "bake", "--print"]).current_dir(&root))?;
    let plan: serde_json::Value = serde_json::from_str(&plan)?;
    for (name, service) in services(&["--file=docker-compose.yml"])?.into_iter().chain(services(&STACK)?) {
        let image = service["image"].as_str().context("each service has an image")?;
        if image == REDIS || image == NGINX {
            continue;
        }
        let image_name = image.trim_end_matches(":latest");
        let target = &plan["target"][image_name];
        ensure!(target["dockerfile"] == format!("Dockerfile.{image_name}"), "{name}: {target}");
        ensure!(target["tags"][0] == image, "{name}: {target}");
        ensure!(
            target["platforms"] == serde_json::json!(["linux/amd64", "linux/arm64", "linux/arm/v7"]),
            "{name}: {target}"
        );
    }
    Ok(())
}

#[test]
fn compose_builds_every_image_but_redis_under_a_name_of_its_own_and_pulls_none() -> Result<()> {
    let mut seen = BTreeSet::new();
    for (name, service) in services(&[])? {
        let image = service["image"].as_str().context("each service has an image")?;
        if image == REDIS {
            ensure!(service["build"].is_null(), "{name} is Redis as it comes: {service}");
            continue;
        }
        let (image_name, _) = image.split_once(':').context("each image has a tag")?;
        ensure!(service["build"]["dockerfile"] == format!("Dockerfile.{image_name}"), "{name}: {service}");
        ensure!(service["pull_policy"] == "never", "{name}: {service}");
        // Docker may refuse two builds that end at the same moment under one name.
        ensure!(seen.insert(image.to_owned()), "{name}: {image} is built twice");
    }
    Ok(())
}

#[test]
fn every_service_is_checked_at_the_same_times() -> Result<()> {
    let compose = fs::read_to_string(images::root().join("docker-compose.yml"))?;
    let (_, redis) = compose.split_once("    healthcheck:\n").context("Redis is checked")?;
    // The toolkit serves nobody.
    for (name, text) in dockerfiles()?.into_iter().filter(|(name, _)| name != "Dockerfile.swarmyard") {
        let check = text.lines().find_map(|line| line.strip_prefix("HEALTHCHECK ")).context(name.clone())?;
        for flag in ["--interval=30s", "--timeout=2s", "--start-period=60s", "--start-interval=1s"] {
            ensure!(check.split(' ').any(|found| found == flag), "{name}: no {flag} in {check}");
            let line = flag.trim_start_matches('-').replace('-', "_").replace('=', ": ");
            ensure!(redis.lines().any(|found| found.trim() == line), "redis: no {line}");
        }
    }
    Ok(())
}

#[test]
fn the_readme_lists_every_variable_of_the_compose_file_with_its_default() -> Result<()> {
    let compose = fs::read_to_string(images::root().join("docker-compose.yml"))?;
    let readme = fs::read_to_string(images::root().join("README.md"))?;
    let rows: Vec<Vec<&str>> = readme.lines().map(|line| line.split('|').map(str::trim).collect()).collect();
    for variable in compose.split("${").skip(1) {
        let (name, rest) = variable.split_once(":-").context("every variable has a default")?;
        let default = rest.split('}').next().context("a variable ends")?;
        let cell = |text: &str| format!("`{text}`");
        let named = |row: &&Vec<&str>| row.len() > 2 && row[1].split(", ").any(|found| found == cell(name));
        let row = rows.iter().find(named).with_context(|| format!("{name} is not in README.md"))?;
        ensure!(default.is_empty() || row[2].contains(&cell(default)), "{name}: {default} is not in {row:?}");
    }
    Ok(())
}
