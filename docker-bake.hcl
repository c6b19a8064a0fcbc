# All images for all platforms:
#   docker buildx bake                                     into this engine (needs the containerd image store)
#   REGISTRY=localhost:5001/ docker buildx bake --push     into a registry
#   docker buildx bake --set '*.platform=linux/arm64'      for one platform

variable "REGISTRY" {
  default     = ""
  description = "Where the images belong, with the final slash: localhost:5001/ or YOUR-DOCKER-ID/"
}

variable "TAG" {
  default     = "latest"
  description = "The images' tag, which is also the version that /whoami shows"
}

group "default" {
  targets = ["image"]
}

target "image" {
  name       = service
  matrix     = { service = ["producer", "consumer", "chat-node", "miner", "api", "webui", "backup", "swarmyard"] }
  dockerfile = "Dockerfile.${service}"
  tags       = ["${REGISTRY}${service}:${TAG}"]
  args       = { VERSION = TAG }
  platforms  = ["linux/amd64", "linux/arm64", "linux/arm/v7"]
}
