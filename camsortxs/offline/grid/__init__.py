"""The grid: every representation and chosen unions by every classifier, and the leaderboard made of it."""
