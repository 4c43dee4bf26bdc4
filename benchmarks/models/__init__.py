"""What is a user to the libraries that ours is measured beside?"""
