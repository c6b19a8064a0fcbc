//! The pods that the files in `k8s` describe, as containers of this machine's engine: with their commands, settings,
//! users, disks, secrets and probes, as far as Docker has the same. What only a cluster has (its scheduler, the rules
//! of its networks, the Ingress) is not here.

use std::{
    fs,
    os::unix::fs::{PermissionsExt, chown},
    path::PathBuf,
    process::Command,
    time::Duration,
};

use anyhow::{Context, Result, bail, ensure};
use e2e::{
    engine::{Engine, output_of, require_engine_and_root},
    images,
    kubernetes::{all_objects, items, name, text},
    wait,
};
use serde_json::Value;
use tempfile::TempDir;
use testing::needs;

const LIMIT: Duration = Duration::from_mins(2);

/// What every node of the cluster is called here.
const NODE: &str = "here";

/// A network with the pods on it. Dropping it removes everything.
struct Pods<'a> {
    network: String,
    objects: &'a [Value],
    folder: TempDir,
}

/// One of a workload's pods, with what the files say of its container.
struct Pod<'a> {
    name: String,
    container: &'a Value,
    id: String,
}

impl Pod<'_> {
    /// Answers as one of the container's probes wants, from the pod's node.
    fn probe(&self, probe: &str) -> Result<()> {
        let probe = &self.container[probe];
        if probe["exec"].is_object() {
            let command = items(&probe["exec"]["command"]).map(text).collect::<Result<Vec<_>>>()?;
            return self.execute(&command).map(drop);
        }
        self.get(&probe["httpGet"]["port"], text(&probe["httpGet"]["path"])?).map(drop)
    }

    /// What it answers at a port, which may be given by its name.
    fn get(&self, port: &Value, path: &str) -> Result<String> {
        let address = "{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}";
        let address = Engine::local().docker(&["inspect", "--format", address, &self.id])?;
        let named = items(&self.container["ports"]).find(|found| found["name"] == *port);
        let port = named.map_or(port, |found| &found["containerPort"]);
        let url = format!("http://{address}:{port}{path}");
        output_of(Command::new("curl").args(["--silent", "--show-error", "--fail", "--max-time", "10", &url]))
    }

    fn execute(&self, command: &[&str]) -> Result<String> {
        Engine::local().docker(&[&["exec", &self.id], command].concat())
    }
}

impl<'a> Pods<'a> {
    fn new(objects: &'a [Value]) -> Result<Self> {
        let network = format!("e2e-{}-kubernetes", std::process::id());
        Engine::local().docker(&["network", "create", &network])?;
        Ok(Self { network, objects, folder: TempDir::with_prefix("swarmyard-")? })
    }

    /// Starts a pod of a workload, with the names of the services that lead to it.
    fn start(&self, workload: &'a Value, number: u64) -> Result<Pod<'a>> {
        let (app, spec) = (name(workload)?, &workload["spec"]["template"]["spec"]);
        let pod = format!("{app}-{number}");
        let container = &spec["containers"][0];
        let user = &spec["securityContext"];
        let own = &container["securityContext"];
        ensure!(own["readOnlyRootFilesystem"] == true && own["allowPrivilegeEscalation"] == false, "{pod}: {own}");
        ensure!(own["capabilities"]["drop"] == serde_json::json!(["ALL"]), "{pod}: {own}");
        let mut run = Engine::local().command();
        run.args(["run", "--detach", "--read-only", "--cap-drop=ALL", "--security-opt=no-new-privileges"]);
        run.arg(format!("--user={}:{}", user["runAsUser"], user["runAsGroup"]));
        run.arg(format!("--name={}-{pod}", self.network)).arg(format!("--network={}", self.network));
        for service in self.objects.iter().filter(|object| object["kind"] == "Service") {
            let selector = &service["spec"]["selector"];
            if selector["app"] == app || selector["statefulset.kubernetes.io/pod-name"] == pod.as_str() {
                run.arg(format!("--network-alias={}", name(service)?));
            }
        }
        for (variable, value) in environment(container, number)? {
            run.arg(format!("--env={variable}={value}"));
        }
        for mount in items(&container["volumeMounts"]) {
            run.arg(self.mount(&pod, workload, mount)?);
        }
        let mut command = items(&container["command"]).map(text);
        if let Some(program) = command.next() {
            run.args(["--entrypoint", program?]);
        }
        // The images of this checkout have no version.
        run.arg(text(&container["image"])?.replace(":v1", ":latest"));
        for argument in command {
            run.arg(argument?);
        }
        let id = output_of(&mut run)?;
        Ok(Pod { name: pod, container, id })
    }

    /// What gives a container one of its mounts.
    fn mount(&self, pod: &str, workload: &Value, mount: &Value) -> Result<String> {
        let (name_of_volume, path) = (text(&mount["name"])?, text(&mount["mountPath"])?);
        let spec = &workload["spec"]["template"]["spec"];
        let group =
            spec["securityContext"]["fsGroup"].as_u64().with_context(|| format!("{pod} has no group for disks"))?;
        let volume = items(&spec["volumes"]).find(|volume| volume["name"] == name_of_volume);
        let Some(volume) = volume else {
            let claim = format!("{name_of_volume}-{pod}");
            let mut claims = self.objects.iter().filter(|object| object["kind"] == "PersistentVolumeClaim");
            ensure!(claims.any(|object| object["metadata"]["name"] == claim.as_str()), "{claim} is claimed by nobody");
            let disk = self.folder(pod, group, 0o2770)?;
            return Ok(format!("--volume={}:{path}", disk.display()));
        };
        if volume["emptyDir"]["medium"] == "Memory" {
            let size = text(&volume["emptyDir"]["sizeLimit"])?.replace("Mi", "m");
            return Ok(format!("--tmpfs={path}:size={size},mode=2770,gid={group}"));
        }
        let secret = &volume["secret"];
        ensure!(secret["secretName"].is_string(), "{pod}: this test knows no such volume: {volume}");
        let folder = self.folder(&format!("{pod}-secret"), group, 0o2750)?;
        for item in items(&secret["items"]) {
            let file = folder.join(text(&item["path"])?);
            // Signs that end a text in a file of Redis.
            fs::write(&file, format!("of \"{}\" \\ and", text(&item["key"])?).replace(' ', "-"))?;
            chown(&file, Some(0), Some(group.try_into()?))?;
            let mode = secret["defaultMode"].as_u64().context("a secret has a mode")?;
            fs::set_permissions(&file, fs::Permissions::from_mode(mode.try_into()?))?;
        }
        Ok(format!("--volume={}:{path}:ro", folder.display()))
    }

    /// A folder that a group owns, as Kubernetes gives it to a pod with an `fsGroup`.
    fn folder(&self, name: &str, group: u64, mode: u32) -> Result<PathBuf> {
        let folder = self.folder.path().join(name);
        fs::create_dir(&folder)?;
        chown(&folder, Some(0), Some(group.try_into()?))?;
        fs::set_permissions(&folder, fs::Permissions::from_mode(mode))?;
        Ok(folder)
    }
}

impl Drop for Pods<'_> {
    fn drop(&mut self) {
        let network = format!("--filter=network={}", self.network);
        for container in Engine::local().docker(&["ps", "--all", "--quiet", &network]).unwrap_or_default().lines() {
            // What stays is told apart by its name; nothing else to do.
            let _ = Engine::local().docker(&["rm", "--force", "--volumes", container]);
        }
        let _ = Engine::local().docker(&["network", "rm", &self.network]);
    }
}

/// The settings of a container, with what Kubernetes fills in.
fn environment(container: &Value, number: u64) -> Result<Vec<(&str, String)>> {
    let mut known: Vec<(&str, String)> = Vec::new();
    for variable in items(&container["env"]) {
        let field = &variable["valueFrom"]["fieldRef"]["fieldPath"];
        let value = match field.as_str() {
            Some("spec.nodeName") => NODE.to_owned(),
            Some("metadata.labels['apps.kubernetes.io/pod-index']") => number.to_string(),
            Some(field) => bail!("this test knows no {field}"),
            None => known.iter().fold(text(&variable["value"])?.to_owned(), |value, (name, known)| {
                value.replace(&format!("$({name})"), known)
            }),
        };
        known.push((name(variable)?, value));
    }
    Ok(known)
}

#[needs("python3", "kubernetes-validate")]
#[test]
fn each_pod_starts_and_finds_the_others() -> Result<()> {
    require_engine_and_root()?;
    images::build()?;
    let objects = all_objects()?;
    let of_kind =
        |kinds: &'static [&str]| objects.iter().filter(|object| kinds.iter().any(|kind| object["kind"] == *kind));
    let pods = Pods::new(&objects)?;
    let mut started = Vec::new();
    for workload in of_kind(&["StatefulSet", "Deployment"]) {
        // The state of each is its own; of those without, one stands for all.
        let (first, count) = match workload["spec"]["ordinals"]["start"].as_u64() {
            Some(first) => (first, workload["spec"]["replicas"].as_u64().context("it has a number of replicas")?),
            None => (0, 1),
        };
        for number in first..first + count {
            started.push(pods.start(workload, number)?);
        }
    }
    let pod = |name: &str| started.iter().find(|pod| pod.name == name).with_context(|| format!("there is no {name}"));
    for pod in &started {
        for probe in ["livenessProbe", "readinessProbe"] {
            wait::until(LIMIT, || pod.probe(probe)).with_context(|| format!("{}: {probe}", pod.name))?;
        }
    }

    // The ways of the Ingress.
    for rule in of_kind(&["Ingress"]).flat_map(|ingress| items(&ingress["spec"]["rules"])) {
        for way in items(&rule["http"]["paths"]) {
            let (service, port) = (&way["backend"]["service"]["name"], &way["backend"]["service"]["port"]);
            let (service, port) =
                (text(service)?, if port["name"].is_null() { &port["number"] } else { &port["name"] });
            let name = service.strip_prefix("node").map_or(format!("{service}-0"), |number| format!("node-{number}"));
            pod(&name)?.get(port, text(&way["path"])?)?;
        }
    }
    wait::until(LIMIT, || {
        let answer: Value = serde_json::from_str(&pod("webui-0")?.get(&8080.into(), "/api/")?)?;
        ensure!(answer["data"]["blocks"].as_u64().is_some_and(|blocks| blocks > 0), "{answer}");
        Ok(())
    })?;
    for (from, to) in [(1, 2), (2, 3), (3, 1)] {
        let answer =
            pod(&format!("node-{from}"))?.execute(&["/chat-node", "heartbeat", &format!("http://node{to}:9090")])?;
        ensure!(answer.contains(&format!(r#""node_id":"node{to}""#)), "{answer}");
    }
    wait::until(LIMIT, || {
        let numbers = Engine::local().docker(&["logs", &pod("consumer-0")?.id])?;
        ensure!(numbers.starts_with("Received number: "), "{numbers}");
        Ok(())
    })
}
