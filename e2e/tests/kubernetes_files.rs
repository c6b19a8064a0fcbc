//! Rules for the files in `k8s`; they need neither Docker nor a cluster.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result, bail, ensure};
use e2e::{
    engine::output_of,
    images,
    kubernetes::{FILES, all_objects, items, objects, path, python_with, read, text},
};
use gateway_api::httproutes::HttpRoute;
use regex::Regex;
use serde_json::{Value, json};
use tempfile::TempDir;
use testing::needs;

/// Those that get repairs, and the one to come.
const VERSIONS: [&str; 4] = ["1.34", "1.35", "1.36", "1.37"];

/// Fewest things that checkov looks at and finds well. With fewer, it has not seen the files.
const CHECKS_MIN: u64 = 300;

/// # Errors
/// What of these files does not fit the schemas of this version of Kubernetes.
fn validate(version: &str, files: &[&Path]) -> Result<()> {
    let mut validate = python_with("kubernetes-validate");
    validate.args(["-m", "kubernetes_validate", "--strict", "--kubernetes-version", version]).args(files);
    let output = validate.output()?;
    // It says what is wrong where others print results.
    ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
    Ok(())
}

#[needs("python3", "kubernetes-validate")]
#[test]
fn they_fit_the_schemas_of_four_versions_of_kubernetes() -> Result<()> {
    let files = FILES.map(path);
    let folder = TempDir::new()?;
    let wrong = folder.path().join("deployments.yaml");
    fs::write(&wrong, fs::read_to_string(path("deployments"))?.replace("replicas:", "replica:"))?;
    for version in VERSIONS {
        validate(version, &files.each_ref().map(PathBuf::as_path))?;
        ensure!(validate(version, &[&wrong]).is_err(), "{version}: the validator lets a wrong word pass");
    }
    Ok(())
}

/// What checkov says of a folder, whose `.checkov.yaml` it follows.
fn checkov(folder: &Path) -> Result<Value> {
    let mut checkov = python_with("checkov");
    checkov.args(["-m", "checkov.main", "--framework=kubernetes", "--skip-download", "--output=json", "--soft-fail"]);
    let report = output_of(checkov.arg("--directory").arg(folder).current_dir(folder))?;
    serde_json::from_str(&report).context(report)
}

#[needs("python3", "checkov")]
#[test]
fn checkov_finds_nothing_but_what_has_a_reason() -> Result<()> {
    let report = checkov(&images::root().join("k8s"))?;
    ensure!(report["results"]["failed_checks"] == serde_json::json!([]), "{:#}", report["results"]["failed_checks"]);
    let passed = report["summary"]["passed"].as_u64();
    ensure!(passed.is_some_and(|passed| passed >= CHECKS_MIN), "{:#}", report["summary"]);

    // checkov passes over a folder whose name begins with a dot.
    let folder = TempDir::with_prefix("swarmyard-")?;
    for file in FILES {
        fs::copy(path(file), folder.path().join(file).with_extension("yaml"))?;
    }
    let without_reasons = checkov(folder.path())?;
    let skipped = fs::read_to_string(images::root().join("k8s/.checkov.yaml"))?;
    for line in skipped.lines().filter_map(|line| line.trim().strip_prefix("- ")) {
        let (check, _) = line.split_once(" # ").with_context(|| format!("without a reason: {line}"))?;
        let found = items(&without_reasons["results"]["failed_checks"]).any(|failed| failed["check_id"] == check);
        ensure!(found, "{check} finds nothing, and needs no reason");
    }
    Ok(())
}

#[needs("python3", "kubernetes-validate")]
#[test]
fn each_says_its_place_in_the_order_and_everything_is_in_the_one_namespace() -> Result<()> {
    for (number, file) in (1..).zip(FILES) {
        let start = format!("# {number}. ");
        ensure!(fs::read_to_string(path(file))?.starts_with(&start), "{file} does not start with {start:?}");
        for object in objects(file)? {
            let namespace = &object["metadata"]["namespace"];
            ensure!(object["kind"] == "Namespace" || namespace == "swarmyard", "{object:#}");
        }
    }
    let mut found = Vec::new();
    for entry in fs::read_dir(images::root().join("k8s"))? {
        let entry = entry?;
        if entry.file_type()?.is_file() && !entry.file_name().as_encoded_bytes().starts_with(b".") {
            found.push(entry.path());
        }
    }
    ensure!(found.len() == FILES.len(), "there are other files than {FILES:?}: {found:?}");
    Ok(())
}

/// The pods' templates, each with its labels and its one container.
fn templates(objects: &[Value]) -> impl Iterator<Item = &Value> {
    objects.iter().map(|object| &object["spec"]["template"]).filter(|template| !template.is_null())
}

/// The label `app` of the pods that a service leads to.
fn app_of(service: &Value) -> Result<&str> {
    let selector = &service["spec"]["selector"];
    // One pod of a StatefulSet has the name APP-NUMBER.
    let pod = selector["statefulset.kubernetes.io/pod-name"].as_str().and_then(|pod| pod.rsplit_once('-'));
    pod.map_or_else(|| text(&selector["app"]), |(app, _)| Ok(app))
}

/// Whether a template has a port, given by number or by name.
fn has_port(template: &Value, port: &Value) -> bool {
    items(&template["spec"]["containers"][0]["ports"])
        .any(|found| found["containerPort"] == *port || (port.is_string() && found["name"] == *port))
}

#[needs("python3", "kubernetes-validate")]
#[test]
fn a_name_leads_to_pods_that_listen_and_the_way_in_to_names() -> Result<()> {
    let objects = all_objects()?;
    let of_kind = |kind: &'static str| objects.iter().filter(move |object| object["kind"] == kind);
    for service in of_kind("Service") {
        let app = app_of(service)?;
        let template = templates(&objects).find(|template| template["metadata"]["labels"]["app"] == app);
        let template = template.with_context(|| format!("{} leads to no pod", service["metadata"]))?;
        for port in items(&service["spec"]["ports"]) {
            ensure!(has_port(template, &port["port"]), "{}: nothing listens at {port}", service["metadata"]);
        }
    }
    let mut ways = 0;
    for rule in of_kind("Ingress").flat_map(|ingress| items(&ingress["spec"]["rules"])) {
        for way in items(&rule["http"]["paths"]) {
            ways += 1;
            let backend = &way["backend"]["service"];
            leads_to_a_port(&objects, &backend["name"], &backend["port"])?;
        }
    }
    ensure!(ways == 5, "the way in has {ways} ways");
    Ok(())
}

/// # Errors
/// When there is no service of this name, or it has no port of this `number` or `name`.
fn leads_to_a_port(objects: &[Value], service: &Value, port: &Value) -> Result<()> {
    let mut services = objects.iter().filter(|object| object["kind"] == "Service");
    let found = services.find(|object| object["metadata"]["name"] == *service);
    let found = found.with_context(|| format!("there is no {service}"))?;
    let is_meant =
        |known: &Value| known["port"] == port["number"] || (known["name"].is_string() && known["name"] == port["name"]);
    ensure!(items(&found["spec"]["ports"]).any(is_meant), "{service} has no port {port}");
    Ok(())
}

/// # Errors
/// What of this file does not fit the types that are made of the Gateway API's own definitions.
fn fits_the_gateway_api(file: &Path) -> Result<Value> {
    let mut routes = read(file)?;
    let (Some(route), true) = (routes.pop(), routes.is_empty()) else { bail!("there is not one route") };
    let known: HttpRoute = serde_json::from_value(route.clone())?;
    // A word that the types do not know is not there any more.
    let known = serde_json::to_value(known)?;
    ensure!(route == known, "{route:#} is understood as {known:#}");
    Ok(route)
}

#[needs("python3", "kubernetes-validate")]
#[test]
fn the_route_for_a_gateway_fits_its_types_and_leads_where_the_stack_s_way_in_does() -> Result<()> {
    let file = images::root().join("k8s/optional/httproute.yaml");
    let route = fits_the_gateway_api(&file)?;
    let folder = TempDir::new()?;
    let wrong = folder.path().join("wrong.yaml");
    fs::write(&wrong, fs::read_to_string(&file)?.replacen("matches:", "match:", 1))?;
    ensure!(fits_the_gateway_api(&wrong).is_err(), "a wrong word passes");

    let objects = all_objects()?;
    let mut paths = Vec::new();
    for rule in items(&route["spec"]["rules"]) {
        for backend in items(&rule["backendRefs"]) {
            leads_to_a_port(&objects, &backend["name"], &json!({ "number": backend["port"] }))?;
            paths.extend(items(&rule["matches"]).map(|way| &way["path"]["value"]));
        }
    }
    ensure!(paths == ["/", "/numbers", "/chat/node1", "/chat/node2", "/chat/node3"], "{paths:?}");
    Ok(())
}

#[needs("python3", "kubernetes-validate")]
#[test]
fn who_listens_has_a_rule_of_who_may_ask_and_all_that_rules_name_is_there() -> Result<()> {
    let objects = all_objects()?;
    let policies = || objects.iter().filter(|object| object["kind"] == "NetworkPolicy");
    let of_app = |app: &Value| templates(&objects).find(|template| template["metadata"]["labels"]["app"] == *app);
    let nobody = policies().find(|policy| policy["spec"]["podSelector"] == serde_json::json!({}));
    ensure!(nobody.is_some_and(|nobody| nobody["spec"]["ingress"].is_null()), "what no rule allows is allowed");
    for policy in policies().filter(|policy| nobody != Some(policy)) {
        let app = &policy["spec"]["podSelector"]["matchLabels"]["app"];
        let template = of_app(app).with_context(|| format!("a rule is for {app}, which is not there"))?;
        for rule in items(&policy["spec"]["ingress"]) {
            ensure!(items(&rule["ports"]).all(|port| has_port(template, &port["port"])), "{app}: {rule}");
            let asking = |peer: &Value| of_app(&peer["podSelector"]["matchLabels"]["app"]).is_some();
            ensure!(items(&rule["from"]).all(asking), "{app}: {rule}");
        }
    }
    for service in objects.iter().filter(|object| object["kind"] == "Service") {
        let app = app_of(service)?;
        let policy = policies().find(|policy| policy["spec"]["podSelector"]["matchLabels"]["app"] == app);
        let policy = policy.with_context(|| format!("{app} is known, and nobody may ask it"))?;
        for port in items(&service["spec"]["ports"]) {
            let is_allowed = items(&policy["spec"]["ingress"])
                .flat_map(|rule| items(&rule["ports"]))
                .any(|allowed| allowed["port"] == port["port"]);
            ensure!(is_allowed, "{app}: nobody may ask {port}");
        }
    }
    Ok(())
}

#[needs("python3", "kubernetes-validate")]
#[test]
fn the_page_applies_them_in_their_order_and_makes_every_password_that_is_asked_for() -> Result<()> {
    let page = fs::read_to_string(images::root().join("docs/kubernetes.md"))?;
    let (_, block) =
        page.split_once("```sh\nkubectl apply -f k8s/namespace.yaml\n").context("the page applies files")?;
    let (block, _) = block.split_once("```").context("a block ends")?;
    let named = Regex::new(r"k8s/([a-z-]+)\.yaml")?;
    let order: Vec<_> = named.captures_iter(block).map(|found| found[1].to_owned()).collect();
    ensure!(order == FILES[1..], "{order:?}");

    // What goes to the cluster instead of the file alone.
    let (make, _) = block.split_once(" | kubectl apply -f -").context("the secret is piped")?;
    let folder = TempDir::with_prefix("swarmyard-")?;
    let secret = folder.path().join("secret.yaml");
    fs::write(&secret, output_of(Command::new("sh").args(["-c", make]).current_dir(images::root()))?)?;
    validate(VERSIONS[0], &[&secret])?;
    let secret = read(&secret)?;
    let passwords = secret[0]["stringData"].as_object().context("there are passwords")?;
    for (key, password) in passwords {
        ensure!(password.as_str().is_some_and(|password| password.len() == 40), "{key} is no password");
    }
    ensure!(passwords["redis_password"] != passwords["cluster_secret"], "the passwords are the same");
    for template in templates(&all_objects()?) {
        for item in items(&template["spec"]["volumes"]).flat_map(|volume| items(&volume["secret"]["items"])) {
            ensure!(passwords.contains_key(text(&item["key"])?), "nobody makes {item}");
        }
    }
    Ok(())
}
