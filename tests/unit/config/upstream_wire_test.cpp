// What an upstream is spoken to in, and who may name it.
#include "unit/config/load_problems.hpp"

namespace meta_model::config {
namespace {

std::string upstream_with(const std::string& lines) {
    return "[upstreams.x]\nmodel_id=\"m\"\nbase_url=\"http://127.0.0.1:3/"
           "v1\"\ncontext=1024\nmax_output=512\n"
           + lines + '\n';
}

TEST(upstream_wire, a_wire_is_chosen_for_openai_upstreams_only) {
    const auto responses = upstream_with("wire=\"responses\"");
    EXPECT_EQ(problems_of(two_upstreams + responses), "");
    EXPECT_EQ(problems_of(two_upstreams + upstream_with("wire=\"chat\"")), "");
    expect_problem(upstream_with("wire=\"messages\""), "wire");
    expect_problem(upstream_with("wire=\"chat\"\nprotocol=\"anthropic\""), "wire");
    expect_problem(upstream_with("wire=\"responses\"\nprotocol=\"test\""), "wire");
}

TEST(upstream_wire, an_upstream_of_the_responses_wire_serves_passthroughs_only) {
    const auto x = upstream_with("wire=\"responses\"\nmodalities=[\"text\",\"image\"]");
    EXPECT_EQ(
        problems_of(two_upstreams + x + "[profiles.p]\ntype=\"passthrough\"\nupstream=\"x\""), ""
    );
    expect_problem(
        x + "[profiles.p]\ntype=\"passthrough\"\nupstream=\"x\"\nexpose_reasoning=false",
        "expose_reasoning = false"
    );
    for (const std::string use :
         {"[profiles.p]\ntype=\"moa\"\ngenerators=[\"a\",\"x\"]\nsynthesizer=\"b\"",
          "[profiles.p]\ntype=\"moa\"\ngenerators=[\"a\",\"b\"]\nsynthesizer=\"x\"",
          "[profiles.p]\ntype=\"moa\"\ngenerators=[\"x\"]\nsynthesizer=\"x\"",
          "[profiles.p]\ntype=\"cascade\"\nupstreams=[\"a\",\"x\"]",
          "[profiles.p]\ntype=\"cascade\"\nsteps=[{use=\"a\",accept={judge=\"x\"}}]",
          "[features]\nvoting=true\n[profiles.p]\ntype=\"voting\"\nupstreams=[\"a\",\"b\",\"x\"]",
          "[features]\nvoting=true\n[profiles.p]\ntype=\"voting\"\nupstreams=[\"a\",\"b\"]\n"
          "ballot=\"label\"\nlabels=[\"l\",\"m\"]\naggregation=\"plurality\"\ntie_break="
          "\"judge\"\njudge=\"x\"",
          "[vision]\nendpoints=[\"x\"]"}) {
        expect_problem(x + use, "wire = \"responses\"");
    }
}

}  // namespace
}  // namespace meta_model::config
