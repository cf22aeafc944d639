# Sets up a project skeleton: one step writes the front page, a later one the notes of the template.
mkdir skeleton
echo "# Project" >skeleton/README.md
echo "Made from a template." >skeleton/Readme.md
ls skeleton | wc -l
