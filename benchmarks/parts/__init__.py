"""What does the suite measure, and against which goals?"""
