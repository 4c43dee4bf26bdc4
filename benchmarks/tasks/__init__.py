"""What does a process do that is measured?"""
