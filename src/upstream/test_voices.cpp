#include "upstream/test_voices.hpp"

#include "base/text.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <map>
#include <optional>

namespace meta_model::upstream {

namespace {

constexpr std::size_t quote_bytes = 80;          // of a question
constexpr std::size_t draft_bytes = 120;         // of a draft
constexpr std::size_t scanned_bytes = 1u << 20;  // of a synthesis task

template <std::size_t N>
std::string_view one_of(const std::array<std::string_view, N>& texts, seeded_choice& choose) {
    return texts[choose.below(N)];
}

std::string introduction(const voice_task& task) {
    return "Simulated reply by " + std::string(task.model_id) + ".";
}

std::string quoted_question(const voice_task& task) {
    const auto text = quoted_part(task.question, quote_bytes);
    return text.empty() ? "an empty message" : "\"" + text + "\"";
}

std::string plain(const voice_task& task, seeded_choice& choose) {
    constexpr std::array<std::string_view, 3> openings{
        "It helps to start from the smallest case that still shows the question.",
        "A plain way to see it is to separate what is known from what has to be decided.",
        "Most of the answer follows from saying exactly what should be true afterwards.",
    };
    constexpr std::array<std::string_view, 3> middles{
        "From there, change one thing at a time and look at what each change does.",
        "Write the known part down first, then take the open points one by one.",
        "Work backwards from that until you reach something you can do today.",
    };
    constexpr std::array<std::string_view, 2> endings{
        "If two ways look equally good, take the one that is easier to undo.",
        "When it works, stop, and note why it works.",
    };
    std::string text = introduction(task) + " You asked: " + quoted_question(task) + ". ";
    text.append(one_of(openings, choose)).append(1, ' ');
    text.append(one_of(middles, choose)).append(1, ' ').append(one_of(endings, choose));
    return text;
}

std::string terse(const voice_task& task, seeded_choice& choose) {
    constexpr std::array<std::string_view, 4> answers{
        "Yes, if it stays small.",
        "Try the simplest version and measure.",
        "It depends on one fact: check it first.",
        "Do less, do it today.",
    };
    std::string text = introduction(task) + " On " + quoted_question(task) + ": ";
    return text.append(one_of(answers, choose));
}

std::string scholar(const voice_task& task, seeded_choice& choose) {
    constexpr std::array<std::string_view, 3> methods{
        "define the terms, since half of all disagreement lives in them",
        "state which observation would change the conclusion",
        "compare with the nearest case that is already understood",
    };
    constexpr std::array<std::string_view, 3> cautions{
        "a single example proves possibility, not frequency",
        "agreement between sources counts only when they are independent",
        "an average hides the case one cares about",
    };
    std::string text = introduction(task) + " The question, " + quoted_question(task);
    text.append(", deserves to be taken in parts.\n\n1. First, ").append(one_of(methods, choose));
    text.append(".\n2. Second, consider the evidence: ").append(one_of(cautions, choose));
    text.append(
        ".\n3. Third, weigh the cost of being wrong in either direction.\n\n"
        "In conclusion, the cautious answer is a conditional one, and its condition should be "
        "written beside it."
    );
    return text;
}

std::string poet(const voice_task& task, seeded_choice& choose) {
    constexpr std::array<std::string_view, 3> verses{
        "A question came in on the morning wire,\nit asked for an answer and warmed by the fire;",
        "The words that you sent me were folded in light,\nI turned them around through the café "
        "of night;",
        "No model was woken, no weights were disturbed,\nand yet your small sentence was patiently "
        "heard;",
    };
    constexpr std::array<std::string_view, 2> endings{
        "what I give back is a copy of rain —\nit falls, and it shines, and it falls once again.",
        "so take this reply as a leaf takes the breeze —\nit says very little, but says it with "
        "ease.",
    };
    std::string text = introduction(task) + " On " + quoted_question(task) + ":\n\n";
    return text.append(one_of(verses, choose)).append(1, '\n').append(one_of(endings, choose));
}

std::string tools(const voice_task& task, seeded_choice&) {
    return introduction(task) + " You said: " + quoted_question(task) +
           ". I call tools when a request offers them; this one left nothing to call, so I answer in text.";
}

std::string synth(const voice_task& task, seeded_choice&) {
    return introduction(task) + " There were no candidates to read, so here is a direct answer to "
           + quoted_question(task) + ": begin with what all views would share, then name the rest.";
}

using voice = std::string (*)(const voice_task&, seeded_choice&);

struct named_voice {
    std::string_view key;
    voice speak;
};

constexpr std::array voices{
    named_voice{"demo-plain", plain},
    named_voice{"demo-terse", terse},
    named_voice{"demo-scholar", scholar},
    named_voice{"demo-poet", poet},
    named_voice{"demo-tools", tools},
    named_voice{"demo-synth", synth},
    // Failing upstreams that get as far as speaking.
    named_voice{"demo-slow", plain},
    named_voice{"demo-flaky", scholar},
};

voice voice_of(const voice_task& task) {
    for (const auto name : {task.key, task.model_id}) {
        const auto found = std::find_if(voices.begin(), voices.end(), [&](const auto& candidate) {
            return candidate.key == name;
        });
        if (found != voices.end()) {
            return found->speak;
        }
    }
    return plain;
}

// The number in a header line such as `## candidate 2`, `[Candidate 2]` or `<<3f9a candidate 2>>`.
std::optional<int> candidate_number(std::string_view line) {
    constexpr std::size_t longest_header = 80;
    constexpr std::string_view word = "candidate ";
    if (line.size() > longest_header) {
        return std::nullopt;
    }
    const auto lower = base::ascii_lower(line);
    const auto at = lower.find(word);
    if (at == std::string::npos) {
        return std::nullopt;
    }
    int number = 0;
    const auto* begin = lower.data() + at + word.size();
    const auto [end, failure] = std::from_chars(begin, lower.data() + lower.size(), number);
    return failure == std::errc() && end != begin && number > 0 ? std::optional(number)
                                                                : std::nullopt;
}

// Without the sentences by which a simulated draft introduces itself and repeats the question.
std::string_view own_words(std::string_view text) {
    constexpr std::string_view introduced = "Simulated reply by ";
    if (!text.starts_with(introduced)) {
        return text;
    }
    const auto introduction_end = text.find(". ");
    text.remove_prefix(
        introduction_end == std::string_view::npos ? text.size() : introduction_end + 2
    );
    for (const auto question_end : {text.find("\". "), text.find("\": ")}) {
        if (question_end < 2 * quote_bytes) {
            return text.substr(question_end + 3);
        }
    }
    return text;
}

bool is_fence(std::string_view line) {
    constexpr std::string_view marks = "=<>~`-#*_";
    return !line.empty() && marks.find(line.front()) != std::string_view::npos
           && line.find(' ') == std::string_view::npos;
}

// What a draft says first: the text between its fences, or all of it when it has none.
std::string beginning_of_draft(std::string_view draft) {
    constexpr std::size_t enough_bytes = 8 * quote_bytes;
    std::string words;
    while (!draft.empty() && words.size() < enough_bytes) {
        const auto line_end = std::min(draft.find('\n'), draft.size());
        const auto line = base::trim(draft.substr(0, line_end));
        draft.remove_prefix(std::min(line_end + 1, draft.size()));
        if (is_fence(line) && !words.empty()) {
            break;
        }
        if (!is_fence(line) && !line.empty()) {
            words.append(line.substr(0, enough_bytes)).append(1, ' ');
        }
    }
    return quoted_part(own_words(words), draft_bytes);
}

// Where the instructions may stand: before the drafts and in the last lines.
bool asks_for_an_index(std::string_view task) {
    const auto lower = base::ascii_lower(task.substr(0, scanned_bytes));
    constexpr std::size_t last_part = 600;
    const auto before_drafts = std::string_view(lower).substr(0, lower.find("candidate 1"));
    const auto tail =
        std::string_view(lower).substr(lower.size() - std::min(lower.size(), last_part));
    return before_drafts.find(" index") != std::string_view::npos
           || tail.find(" index") != std::string_view::npos;
}

std::string fused(const voice_task& task, seeded_choice& choose) {
    const auto drafts = candidate_excerpts(task.synthesis);
    const auto count = std::to_string(drafts.size());
    if (!drafts.empty() && asks_for_an_index(task.synthesis)) {
        return std::to_string(1 + choose.below(drafts.size())) + "\n" + introduction(task);
    }
    constexpr std::array<std::string_view, 3> conclusions{
        "Taken together: begin small, keep what the evidence supports, and say what is left open.",
        "Where they agree the answer is firm; where they differ, the better-supported one stands.",
        "The common ground is the answer, and the rest is a matter of what you want to risk.",
    };
    std::string text = introduction(task) + " I read " + count;
    text.append(drafts.size() == 1 ? " candidate" : " candidates").append(" and fused them");
    text.append(task.question.empty() ? "" : " into one answer to " + quoted_question(task))
        .append(".");
    for (std::size_t i = 0; i < drafts.size(); ++i) {
        if (!drafts[i].empty()) {
            text.append("\n- Number ")
                .append(std::to_string(i + 1))
                .append(" adds: ")
                .append(drafts[i]);
        }
    }
    return text.append("\n\n").append(one_of(conclusions, choose));
}

std::string after_a_tool(const voice_task& task) {
    const auto result = quoted_part(task.tool_result, 3 * quote_bytes);
    std::string text = introduction(task);
    text.append(result.empty() ? " The tool returned nothing." : " The tool returned: " + result);
    return text.append("\nThat is the answer to ").append(quoted_question(task)).append(".");
}

}  // namespace

std::uint64_t seeded_choice::next() {
    state_ += 0x9e3779b97f4a7c15u;
    auto z = state_;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

std::string spoken_reply(const voice_task& task) {
    seeded_choice choose(task.seed);
    if (!task.synthesis.empty()) {
        return fused(task, choose);
    }
    if (task.has_tool_result) {
        return after_a_tool(task);
    }
    return voice_of(task)(task, choose);
}

bool is_synthesis_task(std::string_view text) {
    return text.substr(0, scanned_bytes).find("SYNTHESIS TASK") != std::string_view::npos;
}

std::vector<std::string> candidate_excerpts(std::string_view synthesis) {
    // A number may stand in several lines, say the two ends of a fence: its draft is the longest text after one.
    std::map<int, std::string_view> drafts;
    int current = 0;
    std::size_t draft_begin = 0;
    const auto close = [&](std::size_t end) {
        if (current > 0) {
            auto& draft = drafts[current];
            const auto text = synthesis.substr(draft_begin, end - draft_begin);
            draft = text.size() > draft.size() ? text : draft;
        }
    };

    synthesis = synthesis.substr(0, scanned_bytes);
    for (std::size_t begin = 0; begin < synthesis.size();) {
        const auto end = std::min(synthesis.find('\n', begin), synthesis.size());
        if (const auto number = candidate_number(synthesis.substr(begin, end - begin))) {
            close(begin);
            current = *number;
            draft_begin = std::min(end + 1, synthesis.size());
        }
        begin = end + 1;
    }
    close(synthesis.size());

    std::vector<std::string> excerpts;
    for (int number = 1; drafts.contains(number); ++number) {
        excerpts.push_back(beginning_of_draft(drafts[number]));
    }
    return excerpts;
}

std::string quoted_part(std::string_view text, std::size_t max_bytes) {
    std::string line;
    for (const char c : text) {
        const bool is_space = c == ' ' || c == '\n' || c == '\r' || c == '\t';
        if (!is_space) {
            line.push_back(c);
        } else if (!line.empty() && line.back() != ' ') {
            line.push_back(' ');
        }
        if (line.size() > 2 * max_bytes) {
            break;
        }
    }
    return base::clip(base::trim(line), max_bytes);
}

}  // namespace meta_model::upstream
