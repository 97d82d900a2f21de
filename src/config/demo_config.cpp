#include "config/demo_config.hpp"

namespace meta_model::config {

namespace {

constexpr std::string_view text =
    R"toml(# The demo fleet. Nothing leaves this process: every upstream has the protocol "test", and every
# reply says that it is simulated. The model's key decides its voice, its pace and its failure.

# ---- Upstreams that answer ----

[upstreams.demo-plain]
model_id = "demo-plain"
protocol = "test"
context = 32768
max_output = 4096
[upstreams.demo-plain.test]
first_token_ms = 250
chunk_ms = 25

[upstreams.demo-terse]
model_id = "demo-terse"
protocol = "test"
context = 16384
max_output = 1024
[upstreams.demo-terse.test]
first_token_ms = 120
chunk_ms = 15

[upstreams.demo-scholar]
model_id = "demo-scholar"
protocol = "test"
context = 65536
max_output = 8192
[upstreams.demo-scholar.test]
first_token_ms = 450
chunk_ms = 15

[upstreams.demo-poet]
model_id = "demo-poet"
protocol = "test"
context = 16384
max_output = 2048
[upstreams.demo-poet.test]
first_token_ms = 350
chunk_ms = 40

# Calls the tools it is offered, then answers with what they returned.
[upstreams.demo-tools]
model_id = "demo-tools"
protocol = "test"
context = 32768
max_output = 4096
[upstreams.demo-tools.test]
first_token_ms = 200
chunk_ms = 20

# Reads the drafts of an ensemble and writes one answer.
[upstreams.demo-synth]
model_id = "demo-synth"
protocol = "test"
context = 131072
max_output = 8192
[upstreams.demo-synth.test]
first_token_ms = 150
chunk_ms = 20

# ---- Upstreams that fail ----

# Answers, but only after three seconds.
[upstreams.demo-slow]
model_id = "demo-slow"
protocol = "test"
context = 32768
max_output = 4096
[upstreams.demo-slow.test]
first_token_ms = 3000
chunk_ms = 30

# Begins its answer and loses the connection.
[upstreams.demo-flaky]
model_id = "demo-flaky"
protocol = "test"
context = 32768
max_output = 4096
[upstreams.demo-flaky.test]
first_token_ms = 200
chunk_ms = 20
fail = "cut"

# Refuses every call.
[upstreams.demo-down]
model_id = "demo-down"
protocol = "test"
context = 32768
max_output = 4096
[upstreams.demo-down.test]
first_token_ms = 50
chunk_ms = 20
fail = "status"
status = 503

# ---- Profiles ----

[profiles.demo-chat]
type = "passthrough"
upstream = "demo-plain"

# Three drafts in parallel, one streamed answer made of them.
[profiles.demo-panel]
type = "moa"
generators = ["demo-plain", "demo-terse", "demo-scholar"]
synthesizer = "demo-synth"
panel_timeout_secs = 30

[profiles.demo-tools-chat]
type = "passthrough"
upstream = "demo-tools"

# One generator refuses and one comes too late: the answer is made of the other two, half a second after they are in.
[profiles.demo-resilient]
type = "moa"
generators = ["demo-plain", "demo-terse", "demo-down", "demo-slow"]
synthesizer = "demo-synth"
min_drafts = 2
grace_secs = 0.5
panel_timeout_secs = 30
)toml";

}  // namespace

std::string_view demo_config() {
    return text;
}

}  // namespace meta_model::config
