"""The wizard's pages, in their order: welcome, source, person, choose, review, copying, done."""
