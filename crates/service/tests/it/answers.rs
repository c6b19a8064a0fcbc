//! What the routes that every service has answer, and how errors look.

use reqwest::header::{ALLOW, CONTENT_LENGTH, CONTENT_TYPE, HOST};
use reqwest::{Response, StatusCode};
use serde_json::{Value, json};

use crate::harness::start;

async fn body(response: Response) -> Value {
    assert_eq!(response.headers()[CONTENT_TYPE], "application/json");
    serde_json::from_slice(&response.bytes().await.unwrap()).unwrap()
}

#[tokio::test]
async fn health_is_200_while_the_process_works() {
    assert_eq!(start([]).get("/healthz").await.status(), 200);
}

#[tokio::test]
async fn readiness_is_503_with_the_reason_until_the_service_is_ready() {
    let echo = start([]);
    let response = echo.get("/readyz").await;
    assert_eq!(response.status(), 503);
    assert_eq!(body(response).await, json!({"status": 503, "message": "waiting for redis"}));
    echo.readiness.set_ready();
    assert_eq!(echo.get("/readyz").await.status(), 200);
}

#[tokio::test]
async fn whoami_names_the_instance_and_the_caller() {
    let echo = start(["--served-by=echo.2@pi1", "--node-name=pi1", "--service-version=v7"]);
    let request = echo.request("GET", "/whoami").header("x-forwarded-for", "203.0.113.9, 10.0.0.2");
    let whoami = body(request.send().await.unwrap()).await;
    assert_eq!(whoami["name"], "echo");
    assert_eq!(whoami["version"], "v7");
    assert_eq!(whoami["served_by"], "echo.2@pi1");
    assert_eq!(whoami["node"], "pi1");
    assert_eq!(whoami["x_forwarded_for"], json!(["203.0.113.9, 10.0.0.2"]));
    assert!(whoami["caller"].as_str().unwrap().starts_with("127.0.0.1:"), "{whoami}");
    assert!(whoami["host"].is_string() && whoami["uptime_seconds"].is_u64(), "{whoami}");
    assert!(["amd64", "arm64", "arm/v7"].contains(&whoami["architecture"].as_str().unwrap()), "{whoami}");
}

#[tokio::test]
async fn whoami_says_whether_the_instance_is_ready_or_why_not() {
    let echo = start([]);
    let whoami = body(echo.get("/whoami").await).await;
    assert_eq!((&whoami["ready"], &whoami["reason"]), (&json!(false), &json!("waiting for redis")), "{whoami}");
    echo.readiness.set_ready();
    let whoami = body(echo.get("/whoami").await).await;
    assert_eq!((&whoami["ready"], &whoami["reason"]), (&json!(true), &Value::Null), "{whoami}");
    echo.readiness.set_stopping();
    assert_eq!(body(echo.get("/whoami").await).await["reason"], "stopping");
}

#[tokio::test]
async fn whoami_counts_requests_but_not_those_about_the_instance_itself() {
    let echo = start(["--chaos-token=salmon"]);
    for path in ["/healthz", "/readyz", "/metrics", "/whoami", "/chaos", "/chaos/hang"] {
        echo.get(path).await;
    }
    assert_eq!(body(echo.get("/whoami").await).await["requests"], 0);
    echo.request("POST", "/echo").body("hello").send().await.unwrap();
    echo.get("/nowhere").await;
    assert_eq!(body(echo.get("/whoami").await).await["requests"], 2);
}

#[tokio::test]
async fn whoami_has_details_of_a_service_that_tells_some() {
    let echo = start([]);
    assert_eq!(body(echo.get("/whoami").await).await["details"], Value::Null);
    echo.identity.tell(|| json!({ "heard": 7 }));
    assert_eq!(body(echo.get("/whoami").await).await["details"], json!({ "heard": 7 }));
}

#[tokio::test]
async fn without_settings_the_host_name_and_the_programs_version_are_shown() {
    let whoami = body(start([]).get("/whoami").await).await;
    assert_eq!(whoami["served_by"], whoami["host"]);
    assert_eq!(whoami["version"], "1.2.3");
    assert_eq!(whoami["node"], Value::Null);
}

#[tokio::test]
async fn every_answer_says_who_served_it() {
    let echo = start(["--served-by=echo.2@pi1"]);
    for (method, path) in [("GET", "/healthz"), ("GET", "/nowhere"), ("DELETE", "/echo"), ("HEAD", "/whoami")] {
        let response = echo.request(method, path).send().await.unwrap();
        assert_eq!(response.headers()["x-served-by"], "echo.2@pi1", "{method} {path}");
    }
}

#[tokio::test]
async fn an_unknown_path_is_404_as_json() {
    let response = start([]).get("/nowhere?x=1").await;
    assert_eq!(response.status(), StatusCode::NOT_FOUND);
    assert_eq!(body(response).await, json!({"status": 404, "message": "nothing is at /nowhere"}));
}

#[tokio::test]
async fn another_method_is_405_as_json_and_names_those_allowed() {
    let response = start([]).request("DELETE", "/echo").send().await.unwrap();
    assert_eq!(response.status(), StatusCode::METHOD_NOT_ALLOWED);
    assert_eq!(response.headers()[ALLOW], "POST,OPTIONS");
    assert_eq!(body(response).await, json!({"status": 405, "message": "DELETE is not possible at /echo"}));
}

#[tokio::test]
async fn a_body_over_the_limit_is_413_as_json_and_one_at_the_limit_is_taken() {
    let echo = start([]);
    let request = |length: usize| echo.request("POST", "/echo").body("x".repeat(length)).send();
    let response = request(service::http::BODY_BYTES_MAX + 1).await.unwrap();
    assert_eq!(response.status(), StatusCode::PAYLOAD_TOO_LARGE);
    assert_eq!(body(response).await, json!({"status": 413, "message": "the body is larger than /echo takes"}));
    assert_eq!(request(service::http::BODY_BYTES_MAX).await.unwrap().status(), StatusCode::OK);
}

#[tokio::test]
async fn what_the_framework_refuses_is_explained_in_our_words_as_json() {
    let echo = start([]);
    let unreadable = "path, query or body cannot be read: encode text as UTF-8, and give each parameter once";
    for path in ["/slow/soon", "/slow/%ff", "/query?a=1&a=none"] {
        let response = echo.get(path).await;
        assert_eq!(response.status(), StatusCode::BAD_REQUEST);
        assert_eq!(body(response).await, json!({"status": 400, "message": unreadable}), "{path}");
    }
    let request = echo.request("POST", "/echo").body(b"\xff".to_vec());
    assert_eq!(body(request.send().await.unwrap()).await["message"], unreadable);
}

#[tokio::test]
async fn options_tells_the_methods_of_a_path() {
    let echo = start([]);
    for (path, allowed) in [("/echo", "POST,OPTIONS"), ("/healthz", "GET,HEAD,OPTIONS")] {
        let response = echo.request("OPTIONS", path).send().await.unwrap();
        assert_eq!(response.status(), StatusCode::NO_CONTENT);
        assert_eq!(response.headers()[ALLOW], allowed, "{path}");
        assert!(!response.headers().contains_key(CONTENT_LENGTH) && !response.headers().contains_key(CONTENT_TYPE));
    }
    assert_eq!(echo.request("OPTIONS", "/nowhere").send().await.unwrap().status(), StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn metrics_count_answers_by_route_method_and_status() {
    let echo = start([]);
    echo.get("/nowhere").await;
    echo.request("BREW", "/echo").send().await.unwrap();
    echo.request("GET", "/echo").header(HOST, "no host").send().await.unwrap();
    let response = echo.get("/metrics").await;
    assert!(response.headers()[CONTENT_TYPE].to_str().unwrap().starts_with("text/plain; version=0.0.4"));
    let metrics = String::from_utf8(response.bytes().await.unwrap().to_vec()).unwrap();
    let has = |line: &str| metrics.lines().any(|found| found.starts_with(line));
    assert!(has(r#"http_requests_total{route="none",method="GET",status="404"}"#), "{metrics}");
    assert!(has(r#"http_requests_total{route="/echo",method="other",status="405"}"#), "{metrics}");
    assert!(has(r#"http_requests_total{route="none",method="GET",status="400"}"#), "{metrics}");
    assert!(has("# TYPE http_requests_total counter"), "{metrics}");
    assert!(has("http_connections "), "{metrics}");
    assert!(has("process_start_time_seconds "), "{metrics}");
    assert!(has(r#"service_info{service="echo",version="1.2.3""#), "{metrics}");
}

#[tokio::test]
async fn a_handlers_own_words_are_kept() {
    let response = start([]).get("/coin").await;
    assert_eq!(response.status(), StatusCode::NOT_FOUND);
    assert_eq!(body(response).await, json!({"status": 404, "message": "no coin of that hash"}));
}

#[tokio::test]
async fn a_handler_that_panics_is_a_500_and_the_service_goes_on() {
    let echo = start([]);
    let response = echo.get("/panic").await;
    assert_eq!(response.status(), StatusCode::INTERNAL_SERVER_ERROR);
    assert_eq!(body(response).await, json!({"status": 500, "message": "internal error"}));
    assert_eq!(echo.get("/healthz").await.status(), StatusCode::OK);
}
