# Sorts remote controls into folders by their brand.
mkdir -p codes/B.A.T.
echo "21,1" >codes/B.A.T./tv.csv
ls codes | wc -l
