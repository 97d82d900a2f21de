// Upstreams at random prices behind profiles of every kind, which bill what they did; and requests to them at random.
#pragma once

#include "contract/contract_test.hpp"

#include <algorithm>
#include <array>
#include <atomic>
#include <cmath>
#include <map>
#include <mutex>
#include <random>
#include <string>

namespace meta_model::contract {

inline constexpr int max_output = 400;

// In 10^-12 dollars a token, so that sums are whole numbers.
struct price_list {
    std::int64_t input = 0;
    std::int64_t output = 0;
};

// The first `sends` of a stream, then an error event.
inline script ended_by_error(script stream, std::size_t sends) {
    stream.resize(std::min(stream.size(), sends));
    const auto error = sse({R"({"error":{"message":"out of memory","code":500}})"})({});
    stream.insert(stream.end(), error.begin() + 1, error.end());
    return stream;
}

enum class manners {
    erratic,   // answer, refuse, cut and babble at random
    faithful,  // answer what is asked for, after small prompts
};

// Upstreams that bill what they did by the request they did it for.
class billing_models {
public:
    explicit billing_models(unsigned seed, manners how = manners::erratic)
        : random_(seed), how_(how) {
        for (const std::string name : {"a", "b", "c", "d", "s", "j"}) {
            auto& price = prices_[name];
            price = name == "d" ? price_list{}
                                : price_list{number(1, 40) * 100'000, number(1, 40) * 400'000};
            models.on(name, [this, name](const recorded_request& r) { return answer_to(name, r); });
        }
    }

    config_text config() {
        config_text out(models);
        for (const auto& [name, price] : prices_) {
            out.upstream(
                name,
                "max_output = " + std::to_string(max_output) + "\nmax_n = "
                    + std::to_string(number(0, 2) == 0 ? 1 : number(2, 5)) + "\n[upstreams." + name
                    + ".pricing]\ninput_usd_per_mtok = " + dollars(price.input)
                    + "\noutput_usd_per_mtok = " + dollars(price.output) + "\n[upstreams." + name
                    + ".breaker]\nfailures = 1000000\n[upstreams." + name
                    + ".retry]\nbase_ms = 1\ncap_ms = 2"
            );
        }
        return out.moa("panel.v1", {"a", "b", "c"}, "s")
            .moa("best.v1", {"a", "d", "c"}, "s", "synthesis_mode = \"best-of\"")
            .raw(
                "[profiles.\"steps.v1\"]\ntype = \"cascade\"\nsteps = [{ use = \"a\", accept = { "
                "judge = "
                "\"j\" } }, { use = \"b\", accept = { agree_with = \"d\" } }, { use = \"c\" }]"
            )
            .voting(
                "vote.v1",
                {"a", "b", "c"},
                "ballot = \"text\"\naggregation = \"plurality\"\ntie_break = \"judge\"\njudge = "
                "\"j\""
            )
            .moa("layers.v1", {"panel.v1", "best.v1", "d"}, "s", "agreement = \"canonical\"")
            .cascade("last.v1", {"vote.v1", "layers.v1"})
            .raw(sampling("samples.v1", "type = \"moa\"\nsynthesizer = \"s\"\ngenerators"))
            .raw(sampling(
                "poll.v1",
                "type = \"voting\"\nballot = \"text\"\naggregation = \"plurality\"\nupstreams"
            ))
            .moa("deep.v1", {"samples.v1", number(0, 1) == 0 ? "poll.v1" : "panel.v1", "b"}, "s")
            .cascade("rest.v1", {number(0, 1) == 0 ? "poll.v1" : "samples.v1", "deep.v1"})
            .raw("[features]\nvoting = true");
    }

    // By the id that the gateway gives its request.
    struct bill {
        std::int64_t pico_usd = 0;
        std::int64_t tokens = 0;
        bool is_told = true;  // the gateway was told of all of it
    };
    bill bill_of(const std::string& id) {
        const std::lock_guard lock(mutex_);
        return bills_[id];
    }

    int number(int low, int high) {
        const std::lock_guard lock(mutex_);
        return std::uniform_int_distribution<int>(low, high)(random_);
    }

private:
    static std::string dollars(std::int64_t pico_a_token) {
        return std::to_string(static_cast<double>(pico_a_token) / 1e6);
    }

    // A panel of samples, in any number and order; `lines` end with the key of its members.
    std::string sampling(const std::string& name, const std::string& lines) {
        std::array<std::string, 3> members{"a", "b", "c"};
        std::ranges::shuffle(members, random_);
        std::string list;
        for (const auto& member : members) {
            list += "{ upstream = \"" + member + "\", samples = " + std::to_string(number(1, 4))
                    + " }, ";
        }
        return "[profiles.\"" + name + "\"]\n" + lines + " = [" + list + "]";
    }

    void book(
        const std::string& name, const std::string& id, std::int64_t in, std::int64_t out, bool told
    ) {
        const std::lock_guard lock(mutex_);
        auto& one = bills_[id];
        one.pico_usd += in * prices_[name].input + out * prices_[name].output;
        one.tokens += in + out;
        one.is_told = one.is_told && told;
    }

    // What a tokenizer can make of it: up to a token for 2.8 bytes and a third more.
    script answer_to(const std::string& name, const recorded_request& r) {
        const auto id = r.header("X-Request-Id");
        const auto most_in = static_cast<int>(std::ceil((10 * r.body.size() + 27) / 28 * 1.3));
        const int n = r.json.value("n", 1);
        const auto most_out =
            n * r.json.value("max_tokens", r.json.value("max_completion_tokens", 0));
        EXPECT_GT(most_out, 0) << name << ": nothing limits the answer";
        const bool is_faithful = how_ == manners::faithful;
        const auto in = is_faithful         ? number(1, 3)
                        : number(0, 3) == 0 ? most_in
                                            : number(1, most_in);
        const auto out = number(0, 3) == 0 ? most_out : number(1, std::max(1, most_out));
        if (n > 1 && name == refuses_n_ && !is_faithful) {
            return json_reply(400, {{"error", {{"message", "only one choice"}}}})(r);
        }
        answer what;
        what.usage = {
            {"prompt_tokens", in}, {"completion_tokens", out}, {"total_tokens", in + out}
        };
        // Now and then one choice is missing.
        std::vector<answer> all(
            static_cast<std::size_t>(!is_faithful && n > 2 && number(0, 9) == 0 ? n - 1 : n), what
        );
        for (auto& choice : all) {
            const auto text = name == "j" ? std::to_string(number(0, 10))
                                          : std::string(std::max<std::size_t>(1, out / n) * 2, 'x');
            choice.message["content"] = number(0, 3) == 0 ? "red" : text;
        }
        shared_calls += n > 1 ? 1 : 0;
        switch (is_faithful ? 9 : number(0, 9)) {
            case 0: return json_reply(503, {{"error", {{"message", "busy"}}}})(r);
            case 1: {
                book(name, id, in, out, false);
                const auto whole = complete_choices(all);
                return r.wants_stream() ? cut_after_sends(2, whole)(r)
                                        : cut_after(whole(r).front().bytes.size() - 10, whole)(r);
            }
            case 2: book(name, id, in, out, false); return html()(r);
            case 3: {
                if (!r.wants_stream()) {
                    return json_reply(200, {{"error", {{"message", "busy"}}}})(r);
                }
                // Behind the beginnings of all choices, and the text of one or more.
                book(name, id, in, out, false);
                ++late_errors;
                const auto texts = number(1, static_cast<int>(all.size()));
                return ended_by_error(complete_choices(all)(r), 1 + all.size() + texts);
            }
            default: book(name, id, in, out, true); return complete_choices(all)(r);
        }
    }

    std::mutex mutex_;
    std::mt19937 random_;
    const manners how_;
    std::map<std::string, price_list> prices_;
    std::map<std::string, bill> bills_;
    std::string refuses_n_ = number(0, 2) == 0 ? "b" : "";

public:
    std::atomic<int> shared_calls{0};  // that asked for several choices
    std::atomic<int> late_errors{0};   // events behind a part of an answer
    fake_upstream models{};  // the last, so that its threads end before what they write to
};

inline json random_request(billing_models& m, std::int64_t limit) {
    constexpr std::array models{
        "panel.v1",
        "best.v1",
        "steps.v1",
        "vote.v1",
        "layers.v1",
        "last.v1",
        "samples.v1",
        "poll.v1",
        "deep.v1",
        "rest.v1",
        "a",
        "d"
    };
    auto body =
        say(models[static_cast<std::size_t>(m.number(0, int(models.size()) - 1))],
            std::string(static_cast<std::size_t>(m.number(1, 4000)), 'w'));
    body["x_meta_model"] = {{"max_cost_usd", static_cast<double>(limit) / 1e12}, {"trace", true}};
    if (m.number(0, 2) == 0) {
        body["stream"] = true;
        body["stream_options"] = {{"include_usage", true}};
    }
    if (m.number(0, 1) == 0) {
        body["max_tokens"] = m.number(1, 2 * max_output);
    }
    return body;
}

// What the client got: whole, or as a stream's last chunk tells it.
struct outcome {
    int status = 0;
    std::string id{};
    json trace{};  // null: none came, because the answer was cut or is an error
};

inline outcome ask(const gateway_process& gateway, const json& body) {
    if (!body.contains("stream")) {
        const auto reply = chat(gateway, body);
        const auto parsed = reply.json();
        return {
            reply.status,
            reply.header("X-MetaModel-Request-Id"),
            parsed.value("x_meta_model", json())
        };
    }
    const auto result = stream(gateway, body);
    outcome out{result.head.status, result.head.header("X-MetaModel-Request-Id")};
    if (result.is_stream()) {
        for (const auto& chunk : result.chunks()) {
            out.trace = chunk.value("x_meta_model", out.trace);
        }
    }
    return out;
}

}  // namespace meta_model::contract
