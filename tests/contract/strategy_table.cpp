#include "contract/strategy_table.hpp"

#include "contract/fault_replies.hpp"
#include "contract/media_profiles.hpp"
#include "contract/panel.hpp"
#include "contract/tool_words.hpp"

#include <array>
#include <utility>

namespace meta_model::contract {

namespace {

constexpr auto fused = "the fused answer";
constexpr auto route_exhausted = "vision_cascade_exhausted";

struct vote_words {
    const char* name;
    const char* lines;
    const char* right;  // "calls f": a call
    const char* wrong;
};

constexpr std::array votes{
    vote_words{"vote_yes_no", "ballot = \"yes_no\"\naggregation = \"majority\"", "yes", "no"},
    vote_words{"vote_guard", "ballot = \"yes_no\"\naggregation = \"any_yes\"", "no", "yes"},
    vote_words{"vote_label", "ballot = \"label\"\nlabels = [\"red\", \"blue\"]", "red", "blue"},
    vote_words{"vote_number", "ballot = \"number\"", "42", "41"},
    vote_words{"vote_json", "ballot = \"json\"", R"({"x":1})", R"({"x":2})"},
    vote_words{"vote_calls", "ballot = \"tool_call\"", "calls f", "calls g"},
    vote_words{"vote_text", "ballot = \"text\"", "it is so", "it is not"},
};

const vote_words& words_of(const std::string& name) {
    for (const auto& each : votes) {
        if (name == each.name) {
            return each;
        }
    }
    throw std::invalid_argument("no such vote: " + name);
}

answer saying(const std::string& text) {
    if (text.starts_with("calls ")) {
        return calling({text.substr(6)});
    }
    answer out;
    out.message["content"] = text;
    return out;
}

// The beginning of an answer, then the end of the connection.
reply half_of(const answer& what) {
    return [=](const recorded_request& request) {
        auto steps = complete(what)(request);
        if (steps.size() == 1) {
            steps.front().bytes.resize(steps.front().bytes.size() - 40);
        } else {
            steps.resize(3);  // head, role, the first word
        }
        steps.push_back(ending(step_kind::close));
        return steps;
    };
}

const std::string long_piece = std::string(64000, 'z') + ' ';

// Written by hand: the JSON library takes seconds for it.
script long_answer(const recorded_request& request, const json& usage) {
    if (!request.wants_stream()) {
        const auto body =
            R"({"id":"x","object":"chat.completion","created":1,"model":"m","choices":[)"
            R"({"index":0,"message":{"role":"assistant","content":")"
            + long_text() + R"("},"finish_reason":"stop"}],"usage":)" + usage.dump() + '}';
        return text_reply(200, "application/json", body)(request);
    }
    std::vector<std::string> events(
        long_text().size() / long_piece.size(), content_event(long_piece)
    );
    events.push_back(finish_event);
    if (request.wants_usage()) {
        events.push_back(R"({"id":"x","choices":[],"usage":)" + usage.dump() + '}');
    }
    events.emplace_back("[DONE]");
    return sse(std::move(events))(request);
}

expected_ending answers(std::string text) {
    return {.kind = ending_kind::answers, .text = std::move(text)};
}

expected_ending answers_with(std::string part) {
    return {.kind = ending_kind::answers, .text = std::move(part), .is_part = true};
}

expected_ending fails(int status, std::string code) {
    return {.kind = ending_kind::fails, .status = status, .code = std::move(code)};
}

expected_ending breaks() {
    return {.kind = ending_kind::breaks};
}

endings both(const expected_ending& one) {
    return {one, one};
}

}  // namespace

std::string name_of(mishap which) {
    switch (which) {
        case mishap::hangs: return "hangs";
        case mishap::calls_what_is_not_declared: return "calls_what_is_not_declared";
        case mishap::sends_broken_json: return "sends_broken_json";
        case mishap::says_something_else: return "says_something_else";
        case mishap::sends_an_error_object: return "sends_an_error_object";
        case mishap::drops_in_the_middle: return "drops_in_the_middle";
        case mishap::answers_8_megabytes: return "answers_8_megabytes";
        case mishap::all_fail: return "all_fail";
        case mishap::chooser_is_cut: return "chooser_is_cut";
    }
    return {};
}

std::vector<mishap> all_mishaps() {
    return {
        mishap::hangs,
        mishap::calls_what_is_not_declared,
        mishap::sends_broken_json,
        mishap::says_something_else,
        mishap::sends_an_error_object,
        mishap::drops_in_the_middle,
        mishap::answers_8_megabytes,
        mishap::all_fail,
        mishap::chooser_is_cut
    };
}

const std::string& long_text() {
    static const auto text = [] {
        std::string out;
        while (out.size() < (8u << 20)) {
            out += long_piece;
        }
        return out;
    }();
    return text;
}

std::vector<std::string> strategy_scene::names() {
    std::vector<std::string> out{
        "merge",
        "best_of",
        "steps",
        "steps_agreeing",
        "steps_judged",
        "two_stage",
        "sight",
        "relayed",
        "relayed_filtered"
    };
    for (const auto& each : votes) {
        out.emplace_back(each.name);
    }
    return out;
}

bool strategy_scene::can_have(mishap which) const {
    // One yes is no tie.
    const bool has_chooser =
        !is_relay() && name_ != "steps" && name_ != "sight" && name_ != "vote_guard";
    return which != mishap::chooser_is_cut || has_chooser;
}

bool strategy_scene::is_blind() const {
    return name_ == "steps" || name_ == "sight" || is_relay();
}

bool strategy_scene::has_panel_limit() const {
    return name_ == "merge" || name_ == "best_of" || is_vote();
}

std::string strategy_scene::right_text() const {
    if (is_vote()) {
        return words_of(name_).right;
    }
    if (name_ == "best_of") {
        return "the draft of b";
    }
    return name_ == "merge" || name_ == "two_stage" ? fused : "the answer of a";
}

answer strategy_scene::good(const std::string& upstream) const {
    if (is_vote()) {
        return saying(words_of(name_).right);
    }
    const bool is_panel = name_ == "merge" || name_ == "best_of";
    // Who is to agree with a says what a says.
    const bool is_echo = name_ == "steps_agreeing" && upstream == "c";
    return saying((is_panel ? "the draft of " : "the answer of ") + (is_echo ? "a" : upstream));
}

answer strategy_scene::wrong() const {
    return saying(is_vote() ? words_of(name_).wrong : "something else entirely");
}

void strategy_scene::prepare_good(booking_models& m) const {
    for (const std::string name : {"a", "b", "c", "d"}) {
        m.models.on(name, m.told(name, good(name)));
    }
    if (name_ == "best_of") {
        m.models.on("s", m.told_by("s", [](const recorded_request& request) {
            return saying(number_shown(all_message_text(request.json), "the draft of b"));
        }));
    } else if (name_ == "steps_judged") {
        m.models.on("s", m.told_by("s", [](const recorded_request& request) {
            const auto shown = all_message_text(request.json);
            return saying(shown.find("the answer of a") != std::string::npos ? "9" : "1");
        }));
    } else {
        m.models.on("s", m.told("s", std::string(fused)));
    }
}

void strategy_scene::prepare(booking_models& m, mishap which) const {
    prepare_good(m);
    const json busy = {{"error", {{"message", "busy"}}}};
    auto& models = m.models;
    switch (which) {
        case mishap::hangs: return models.on("a", m.untold("a", hang()));
        case mishap::calls_what_is_not_declared:
            return models.on("a", m.told("a", calling({"rogue"})));
        case mishap::sends_broken_json:
            return models.on(
                "a", m.untold("a", text_reply(200, "application/json", R"({"choices":[{"mess)"))
            );
        case mishap::says_something_else: return models.on("a", m.told("a", wrong()));
        case mishap::sends_an_error_object:
            return models.on("a", m.free("a", json_reply(200, busy)));
        case mishap::drops_in_the_middle: return models.on("a", m.untold("a", half_of(good("a"))));
        case mishap::answers_8_megabytes: return models.on("a", m.told_in("a", long_answer));
        case mishap::all_fail:
            models.on("a", m.free("a", json_reply(503, busy)));
            models.on("b", m.untold("b", html()));
            models.on("c", m.free("c", close_at_once()));
            return models.on("d", m.free("d", json_reply(500, busy)));
        case mishap::chooser_is_cut: {
            // Who is to agree is the one who is asked.
            const std::string chooser = name_ == "steps_agreeing" ? "c" : "s";
            models.on(chooser, m.untold(chooser, half_of(saying("1 2 three"))));
            if (is_vote()) {
                // A tie, for which the judge is needed.
                models.on("a", m.told("a", wrong()));
                models.on("d", m.told("d", wrong()));
            }
        }
    }
}

std::string strategy_scene::profile_lines(mishap which) const {
    std::string lines;
    if (is_vote()) {
        const auto& words = words_of(name_);
        lines = std::string(words.lines) + "\ntie_break = \"judge\"\njudge = \"s\"";
        lines += std::string(words.lines).find("yes_no") != std::string::npos
                     ? "\nfailure_vote = \"no\""
                     : "";
        // Room for what is said to be half of it.
        lines += "\nmax_tokens = 64";
    } else if (name_ == "best_of") {
        lines = "synthesis_mode = \"best-of\"";
    }
    if (which == mishap::hangs && has_panel_limit()) {
        lines += "\npanel_timeout_secs = 0.4";
    }
    return lines;
}

std::string strategy_scene::config(const booking_models& m, mishap which) const {
    config_text out(m.models);
    const bool is_sighted = name_ == "sight" || name_ == "two_stage";
    for (const auto& name : booking_models::names) {
        const auto table = "[upstreams." + name + '.';
        std::string lines = "health_check = \"off\"\n";
        if (is_sighted && (name == "a" || name == "b")) {
            lines += "modalities = [\"text\", \"image\"]\n";
        }
        lines += booking_models::pricing_of(name) + table + "retry]\nmax_attempts = 1\n" + table
                 + "breaker]\nfailures = 1000000\n";
        if (which == mishap::hangs && name == "a" && !has_panel_limit()) {
            lines += table + "timeouts]\nfirst_byte_secs = 0.4";
        }
        out.upstream(name, lines);
    }
    const auto lines = profile_lines(which);
    constexpr auto profile = "it.v1";
    const std::string steps =
        "[profiles.\"it.v1\"]\ntype = \"cascade\"\nsteps = [{ use = \"a\", accept = ";
    if (is_vote()) {
        out.voting(profile, {"a", "b", "c", "d"}, lines).raw("[features]\nvoting = true");
    } else if (name_ == "steps") {
        out.cascade(profile, {"a", "b"});
    } else if (name_ == "steps_agreeing") {
        out.raw(steps + "{ agree_with = \"c\" } }, { use = \"b\" }]");
    } else if (name_ == "steps_judged") {
        out.raw(steps + "{ judge = \"s\" } }, { use = \"b\" }]");
    } else if (is_relay()) {
        out.passthrough(profile, "a", name_ == "relayed" ? "" : "expose_reasoning = false");
    } else if (is_sighted) {
        out.moa(profile, {"c", "d"}, "s")
            .raw("[vision]\nendpoints = [\"a\", \"b\"]")
            .raw(name_ == "two_stage" ? "two_stage = true" : "");
    } else {
        out.moa(profile, {"a", "b", "c"}, "s", lines);
    }
    return out;
}

json strategy_scene::request(mishap which) const {
    auto out = say("it.v1");
    if (name_ == "sight" || name_ == "two_stage") {
        out = shows("it.v1", {image_part()});
    }
    if (name_ == "vote_calls") {
        out = with(out, declaring({"f", "g"}));
    } else if (which == mishap::calls_what_is_not_declared) {
        out = with(out, declaring({"f"}));
    }
    return with(out, {{"x_meta_model", {{"trace", true}}}});
}

// Of a step, an endpoint or a relayed upstream whose answer nobody judges.
endings strategy_scene::expected_of_blind(mishap which) const {
    const bool is_last = is_relay();
    const auto next = answers("the answer of b");
    switch (which) {
        case mishap::hangs: return both(is_last ? fails(504, "upstream_timeout") : next);
        case mishap::calls_what_is_not_declared:
            // What is relayed as it is may call what it wants; where it is read, nothing is left of it.
            return both(
                name_ == "relayed" ? answers("calls rogue")
                : is_last          ? fails(502, "upstream_protocol_error")
                                   : next
            );
        case mishap::sends_broken_json:
            return both(is_last ? fails(502, "upstream_protocol_error") : next);
        case mishap::sends_an_error_object:
            return both(is_last ? fails(502, "upstream_error") : next);
        case mishap::says_something_else: return both(answers(wrong().message["content"]));
        case mishap::drops_in_the_middle:
            return {is_last ? fails(502, "upstream_error") : next, breaks()};
        case mishap::answers_8_megabytes: return both(answers(long_text()));
        default: break;
    }
    if (is_last) {
        return both(fails(503, ""));  // the upstream's own words
    }
    return both(fails(502, name_ == "sight" ? route_exhausted : "cascade_exhausted"));
}

endings strategy_scene::expected(mishap which) const {
    if (is_blind()) {
        return expected_of_blind(which);
    }
    const bool is_panel = name_ == "merge" || name_ == "two_stage";
    const bool is_gate = name_ == "steps_agreeing" || name_ == "steps_judged";
    if (which == mishap::all_fail) {
        if (name_ == "vote_yes_no" || name_ == "vote_guard") {
            return both(answers("no"));  // the failure vote
        }
        return both(fails(
            502,
            is_gate                ? "cascade_exhausted"
            : name_ == "two_stage" ? route_exhausted
                                   : "all_generators_failed"
        ));
    }
    if (which == mishap::chooser_is_cut) {
        if (is_panel) {
            return {answers_with(name_ == "merge" ? "the draft of " : "the answer of "), breaks()};
        }
        if (name_ == "best_of") {
            return both(answers_with("the draft of "));
        }
        return both(answers(is_gate ? "the answer of b" : words_of(name_).wrong));
    }
    if (name_ == "vote_guard" && which == mishap::says_something_else) {
        return both(answers("yes"));
    }
    return both(answers(is_gate ? "the answer of b" : right_text()));
}

}  // namespace meta_model::contract
