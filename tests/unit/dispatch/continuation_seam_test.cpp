#include "dispatch/continuation_seam.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace meta_model::dispatch {
namespace {

using kind = continuation_seam::kind;

struct joined {
    std::string text;
    bool has_diverged;
};

// The client's text when the second's comes in pieces of this size.
joined join_in(std::size_t size, const std::string& sent, const std::string& second, kind how) {
    continuation_seam seam(sent, how);
    std::string text = sent;
    for (std::size_t at = 0; at < second.size(); at += size) {
        text += seam.feed(std::string_view(second).substr(at, size));
    }
    text += seam.finish();
    return {text, seam.has_diverged()};
}

void expect_joined(
    const std::string& sent, const std::string& second, const std::string& expected, kind how
) {
    for (const std::size_t size : {1u, 2u, 3u, 7u, 1000u}) {
        const auto result = join_in(size, sent, second, how);
        EXPECT_EQ(result.text, expected) << size;
        EXPECT_FALSE(result.has_diverged) << size;
    }
}

void expect_joined(
    const std::string& sent, const std::string& second, const std::string& expected
) {
    expect_joined(sent, second, expected, kind::followup);
    expect_joined(sent, second, expected, kind::prefill);
}

const std::string sentence = "The quick brown fox jumps over the lazy dog.";

TEST(continuation_seam, a_true_continuation_is_appended) {
    expect_joined("The quick brown fox", " jumps over the lazy dog.", sentence);
    expect_joined("", sentence, sentence);
    expect_joined(sentence, "", sentence);
}

TEST(continuation_seam, a_new_beginning_is_skipped_up_to_the_seam) {
    for (const std::size_t cut : {16u, 20u, 30u, 43u, 44u}) {
        expect_joined(sentence.substr(0, cut), sentence, sentence);
    }
    expect_joined("The", sentence, sentence, kind::followup);
}

TEST(continuation_seam, a_new_beginning_that_ends_within_what_was_sent_adds_nothing) {
    expect_joined(sentence, sentence.substr(0, 20), sentence);
}

TEST(continuation_seam, repeated_last_words_are_shown_once) {
    expect_joined(
        "The quick brown fox jumps", "brown fox jumps over the lazy dog.", sentence, kind::followup
    );
    const std::string before(3000, 'x');
    expect_joined(
        before + " and then it jumps",
        "then it jumps over",
        before + " and then it jumps over",
        kind::followup
    );
}

TEST(continuation_seam, short_or_dull_repetitions_may_be_meant) {
    expect_joined("1000", "000 dollars", "1000000 dollars", kind::followup);
    expect_joined("Ha ha ha", " ha ha", "Ha ha ha ha ha", kind::followup);
    expect_joined("----------------", "----------------", "----------------", kind::followup);
    expect_joined("1", "10 is two digits", "110 is two digits", kind::prefill);
}

TEST(continuation_seam, what_was_prefilled_is_not_searched_for_repetitions) {
    expect_joined(
        "la la land, la la land",
        " la la land, la la land",
        "la la land, la la land la la land, la la land",
        kind::prefill
    );
}

TEST(continuation_seam, another_beginning_cannot_follow) {
    for (const auto how : {kind::followup, kind::prefill}) {
        for (const std::size_t size : {1u, 5u, 1000u}) {
            const auto result =
                join_in(size, "The quick brown fox jumps", "The quick brown bear sleeps", how);
            EXPECT_TRUE(result.has_diverged) << size;
            EXPECT_EQ(result.text, "The quick brown fox jumps") << "nothing of it is shown";
        }
    }
}

TEST(continuation_seam, once_joined_everything_passes) {
    continuation_seam seam("The quick", kind::followup);
    EXPECT_EQ(seam.feed(" brown"), " brown");
    EXPECT_EQ(seam.feed("The quick"), "The quick");
    EXPECT_EQ(seam.finish(), "");
}

TEST(continuation_seam, text_of_any_language_is_cut_between_characters) {
    const std::string whole = "Größe und Maß: 27 €, süß.";
    for (std::size_t cut = 12; cut < whole.size(); ++cut) {
        if ((static_cast<unsigned char>(whole[cut]) & 0xC0) != 0x80) {
            expect_joined(whole.substr(0, cut), whole, whole, kind::followup);
        }
    }
}

}  // namespace
}  // namespace meta_model::dispatch
